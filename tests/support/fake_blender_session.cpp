// SPDX-License-Identifier: Apache-2.0
#include "fake_blender_session.hpp"

#include "fake_blender_script.hpp"

#include <boost/json.hpp>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <fstream>
#include <iostream>
#include <optional>
#include <string_view>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace kiln::tests {
namespace {

class session {
public:
  int run(const std::vector<std::string>& arguments) {
    socket_ = ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
    ::close(STDIN_FILENO);
    ::open("/dev/null", O_RDONLY);
    own_output_ = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    say("ready");
    while (const auto order = hear(true)) {
      if (order->at("do") == "begin")
        attempt(*order, arguments);
      else if (order->at("do") == "load")
        load(std::string{order->at("blend").as_string()});
    }
    return 0;
  }

private:
  static void load(const std::string& blend) {
    const auto s = read_script(blend);
    if (!s.load_hangs)
      return;
    if (s.ignores_term)
      ::signal(SIGTERM, SIG_IGN);
    std::ofstream{blend + ".loading"};
    for (;;)
      ::pause();
  }

  void say(const std::string& what, boost::json::object more = {}) {
    more["said"] = what;
    const auto text = boost::json::serialize(more);
    // Also without a reader: orders sent earlier are carried out all the same.
    (void)!::send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
  }

  std::optional<boost::json::object> hear(bool wait) {
    std::string text(1 << 17, '\0');
    iovec data{text.data(), text.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    msghdr whole{};
    whole.msg_iov = &data;
    whole.msg_iovlen = 1;
    whole.msg_control = control.data();
    whole.msg_controllen = control.size();
    const int flags = wait ? 0 : MSG_DONTWAIT;
    auto size = alone_ ? 0 : ::recvmsg(socket_, &whole, flags);
    if (size < 0 &&
        errno == ECONNRESET) // kilnd went without having read everything; its orders come after that
      size = ::recvmsg(socket_, &whole, flags);
    if (size == 0)
      alone_ = true;
    if (size <= 0)
      return std::nullopt;
    if (const auto* header = CMSG_FIRSTHDR(&whole))
      std::memcpy(&log_, CMSG_DATA(header), sizeof log_);
    text.resize(static_cast<std::size_t>(size));
    return boost::json::parse(text).as_object();
  }

  void turn_output_to(int fd) {
    std::cout.flush();
    ::dup2(fd, STDOUT_FILENO);
    ::dup2(fd, STDERR_FILENO);
  }

  void attempt(const boost::json::object& order, const std::vector<std::string>& arguments) {
    say("begun");
    turn_output_to(log_);
    ::close(log_);
    int status = 0;
    try {
      status = play(order, arguments);
    } catch (const quit&) {
      status = 1;
    }
    turn_output_to(own_output_);
    say("ended", {{"status", status}, {"memory", memory_}});
  }

  int play(const boost::json::object& order, const std::vector<std::string>& arguments) {
    const auto s = read_script(std::string{order.at("blend").as_string()});
    std::cout << "Read blend: " << std::string_view{order.at("blend").as_string()} << std::endl;
    begin(s, arguments);
    say("loaded", {{"seconds", 0.5}, {"reused", false}});
    std::deque<int> frames;
    bool open = order.at("open").as_bool();
    add(frames, order);
    const auto pattern = std::string{order.at("workspace").as_string()} + "/blender-render_####";
    for (;;) {
      while (const auto news = hear(frames.empty() && open)) {
        if (news->at("do") == "cancel")
          return 2;
        add(frames, *news);
        open = news->at("open").as_bool();
      }
      if (frames.empty() && open)
        std::_Exit(0); // no kilnd is left to send orders
      if (frames.empty())
        break;
      const int frame = frames.front();
      frames.pop_front();
      say("frame", {{"frame", frame}});
      render(s, pattern, frame);
      memory_ += static_cast<std::int64_t>(s.leak_megabytes) << 20;
      say("saved", {{"frame", frame}, {"memory", memory_}});
    }
    end(s);
    if (s.exit_status != 0 && s.misbehaves())
      std::exit(s.exit_status);
    return 0;
  }

  static void add(std::deque<int>& frames, const boost::json::object& from) {
    for (const auto& run : from.at("frames").as_array())
      for (auto frame = run.at(0).as_int64(); frame <= run.at(1).as_int64(); frame += run.at(2).as_int64())
        frames.push_back(static_cast<int>(frame));
  }

  int socket_ = -1;
  int own_output_ = -1;
  int log_ = -1;
  bool alone_ = false;
  std::int64_t memory_ = 100 << 20;
};

} // namespace

int run_session(const std::vector<std::string>& arguments) {
  return session{}.run(arguments);
}

} // namespace kiln::tests

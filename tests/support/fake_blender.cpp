// SPDX-License-Identifier: Apache-2.0
//
// A stand-in for Blender 3.4 that plays a script: it takes Blender's arguments, prints Blender's lines and
// writes real images of 4 x 4 pixels. The script is the .blend: "BLENDER-v304", then one command a line:
//
//   frame_seconds S     each frame takes S seconds        samples N         prints N lines of progress a
//   frame exit N              exits with status N at the end    raise S [at F]    dies by signal S, at frame
//   F or at the end ignore TERM         ignores SIGTERM, and says so      fork              leaves a process
//   in its group that sleeps on flood MB            prints as much before the frames  print TEXT prints TEXT
//   before the frames half_frame N        writes half an image for frame N  skip_frame N      writes none
//   placeholders        makes each file empty first       hang              waits for ever after the frames
//   wait_file PATH      waits for PATH before each frame  list_fds, print_env, print_arguments
//   noise N             frames are N x N pixels that do not compress
//   once PATH           exit, raise, half_frame and skip_frame only while there is no PATH, which is then
//   made
//   # TEXT              nothing: it makes the file longer
//   leak MB                       a session holds as much more after each frame
//
// With -P kiln_session.py it stays, as Blender does with that script: session_protocol.hpp has what is said.
#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

extern char** environ;

namespace {

struct script {
  double frame_seconds = 0;
  int samples = 0;
  int noise = 0; ///< pixels a side; 0: the small grey image
  int exit_status = 0;
  int raise_signal = 0;
  int raise_at = -1; ///< -1: at the end
  int flood_megabytes = 0;
  bool forks = false, hangs = false, placeholders = false, lists_descriptors = false,
       prints_environment = false;
  bool ignores_term = false;
  bool load_hangs = false; ///< when a session is to load it before its attempt comes
  std::set<int> half_frames, skipped_frames;
  std::vector<std::string> texts;
  std::string wait_file;
  std::string once;
  bool prints_arguments = false;
  int leak_megabytes = 0;

  /// Whether to do what goes wrong in this run.
  [[nodiscard]] bool misbehaves() const {
    if (once.empty())
      return true;
    if (::access(once.c_str(), F_OK) == 0)
      return false;
    std::ofstream{once} << "done\n";
    return true;
  }
};

/// What ends Blender, or in a session the attempt.
struct quit {
  int status = 1;
};

[[noreturn]] void fail(const std::string& why, int status = 1) {
  std::cout << why << std::endl;
  throw quit{status};
}

script read_script(const std::string& file) {
  std::ifstream in{file};
  std::string line;
  if (!in)
    fail("Error: Cannot read file '" + file + "': No such file or directory");
  if (!std::getline(in, line) || !line.starts_with("BLENDER"))
    fail("Error: File format is not supported in file '" + file + "'");
  script s;
  while (std::getline(in, line)) {
    if (line.starts_with('#'))
      continue;
    std::istringstream words{line};
    std::string command, word;
    words >> command;
    if (command == "frame_seconds") {
      words >> s.frame_seconds;
    } else if (command == "samples") {
      words >> s.samples;
    } else if (command == "noise") {
      words >> s.noise;
    } else if (command == "exit") {
      words >> s.exit_status;
    } else if (command == "raise") {
      words >> s.raise_signal >> word >> s.raise_at;
      if (word != "at")
        s.raise_at = -1;
    } else if (command == "flood") {
      words >> s.flood_megabytes;
    } else if (command == "half_frame" || command == "skip_frame") {
      int frame = 0;
      words >> frame;
      (command == "half_frame" ? s.half_frames : s.skipped_frames).insert(frame);
    } else if (command == "print") {
      s.texts.push_back(line.substr(6));
    } else if (command == "wait_file") {
      words >> s.wait_file;
    } else if (command == "once") {
      words >> s.once;
    } else if (command == "leak") {
      words >> s.leak_megabytes;
    } else if (command == "print_arguments") {
      s.prints_arguments = true;
    } else if (command == "ignore") {
      s.ignores_term = true;
    } else if (command == "fork") {
      s.forks = true;
    } else if (command == "hang_load") {
      s.load_hangs = true;
    } else if (command == "hang") {
      s.hangs = true;
    } else if (command == "placeholders") {
      s.placeholders = true;
    } else if (command == "list_fds") {
      s.lists_descriptors = true;
    } else if (command == "print_env") {
      s.prints_environment = true;
    } else if (!command.empty()) {
      fail("fake_blender: unknown command " + command, 99);
    }
  }
  return s;
}

void append_number(std::string& to, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8)
    to += static_cast<char>(value >> shift & 0xff);
}

void append_chunk(std::string& png, const std::string& type, const std::string& data) {
  append_number(png, static_cast<std::uint32_t>(data.size()));
  const auto body = type + data;
  png += body;
  append_number(png, static_cast<std::uint32_t>(::crc32(0, reinterpret_cast<const Bytef*>(body.data()),
                                                        static_cast<uInt>(body.size()))));
}

/// Grey pixels: 4 x 4 whose shade is the frame's number, or as many as wanted that do not compress.
std::string make_png(int frame, int noise) {
  const auto side = static_cast<std::size_t>(noise > 0 ? noise : 4);
  std::minstd_rand random{static_cast<unsigned>(frame) + 1};
  std::string rows;
  for (std::size_t y = 0; y < side; ++y) {
    rows += '\0' + std::string(side, static_cast<char>(frame));
    for (std::size_t x = 0; noise > 0 && x < side; ++x)
      rows[rows.size() - 1 - x] = static_cast<char>(random() >> 8);
  }
  std::string packed(::compressBound(rows.size()), '\0');
  uLongf size = packed.size();
  ::compress(reinterpret_cast<Bytef*>(packed.data()), &size, reinterpret_cast<const Bytef*>(rows.data()),
             rows.size());
  packed.resize(size);
  std::string header;
  append_number(header, static_cast<std::uint32_t>(side));
  append_number(header, static_cast<std::uint32_t>(side));
  header += std::string{"\x8\0\0\0\0", 5};
  std::string png = "\x89PNG\r\n\x1a\n";
  append_chunk(png, "IHDR", header);
  append_chunk(png, "IDAT", packed);
  append_chunk(png, "IEND", "");
  return png;
}

void pause_for(double seconds) {
  ::poll(nullptr, 0, static_cast<int>(seconds * 1000));
}

void list_descriptors() {
  std::cout << "fds:";
  DIR* open_ones = ::opendir("/proc/self/fd");
  std::set<int> found;
  while (const auto* entry = ::readdir(open_ones))
    if (int fd = -1;
        std::from_chars(entry->d_name, entry->d_name + 10, fd).ec == std::errc{} && fd != ::dirfd(open_ones))
      found.insert(fd);
  ::closedir(open_ones);
  for (const int fd : found)
    std::cout << ' ' << fd;
  std::cout << std::endl;
}

/// Dies by the signal, as a crash does, also where it is blocked or ignored.
[[noreturn]] void die_by(int signal) {
  ::signal(signal, SIG_DFL);
  ::raise(signal);
  std::abort();
}

std::string file_of(std::string pattern, int frame) {
  const auto at = pattern.find("####");
  std::array<char, 16> digits{};
  std::snprintf(digits.data(), digits.size(), "%04d", frame);
  return pattern.replace(at, 4, digits.data()) + ".png";
}

void render(const script& s, const std::string& pattern, int frame) {
  const auto file = file_of(pattern, frame);
  if (s.placeholders)
    std::ofstream{file};
  while (!s.wait_file.empty() && ::access(s.wait_file.c_str(), F_OK) != 0)
    pause_for(.005);
  for (int sample = 1; sample <= s.samples; ++sample) {
    std::cout
        << "Fra:" << frame
        << " Mem:10.57M (Peak 10.83M) | Time:00:00.09 | Mem:1.42M, Peak:1.42M | Scene, ViewLayer | Sample "
        << sample << '/' << s.samples << std::endl;
    pause_for(s.frame_seconds / s.samples);
  }
  if (s.samples == 0)
    pause_for(s.frame_seconds);
  if (s.raise_signal && s.raise_at == frame && s.misbehaves())
    die_by(s.raise_signal);
  if (s.skipped_frames.contains(frame) && s.misbehaves())
    return;
  auto png = make_png(frame, s.noise);
  if (s.half_frames.contains(frame) && s.misbehaves())
    png.resize(png.size() / 2);
  if (!(std::ofstream{file, std::ios::binary} << png))
    fail("Error: Render error (No such file or directory) cannot save: '" + file + "'");
  std::cout << "Saved: '" << file << "'\n Time: 00:00.36 (Saving: 00:00.16)\n" << std::endl;
}

/// What the script does before its frames.
void begin(const script& s, const std::vector<std::string>& arguments) {
  if (s.ignores_term) {
    ::signal(SIGTERM, SIG_IGN);
    std::cout << "ignoring SIGTERM" << std::endl;
  }
  if (s.lists_descriptors)
    list_descriptors();
  for (char** variable = environ; s.prints_environment && *variable; ++variable)
    std::cout << *variable << '\n';
  for (const auto& argument : arguments)
    if (s.prints_arguments)
      std::cout << "argument: " << argument << '\n';
  for (const auto& text : s.texts)
    std::cout << text << std::endl;
  for (int i = 0; i < s.flood_megabytes * 1024; ++i)
    std::cout << std::string(1023, 'x') << '\n';
  std::cout.flush();
  if (s.forks && ::fork() == 0) {
    pause_for(1e6);
    std::_Exit(0);
  }
}

/// What it does after them.
void end(const script& s) {
  while (s.hangs)
    ::pause();
  if (s.raise_signal && s.raise_at < 0 && s.misbehaves())
    die_by(s.raise_signal);
}

/// A Blender that stays.
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
    // Without anybody who reads it: orders that were sent before are heard all the same.
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
        std::_Exit(0); // nobody is there to give any
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

int play_once(const std::string& blend, const std::vector<std::string>& arguments,
              const std::vector<int>& frames, const std::string& pattern) {
  const auto s = read_script(blend);
  std::cout << "Read blend: " << blend << std::endl;
  begin(s, arguments);
  for (const int frame : frames)
    render(s, pattern, frame);
  end(s);
  return s.exit_status != 0 && s.misbehaves() ? s.exit_status : 0;
}

/// As kiln_install.py does.
void print_install_report() {
  const auto binary = std::filesystem::read_symlink("/proc/self/exe").native();
  struct stat file {};
  ::stat(binary.c_str(), &file);
  const char* temp = std::getenv("TMPDIR");
  std::cout << "kiln: "
            << boost::json::serialize(
                   boost::json::object{{"version", "3.4.1"},
                                       {"binary", binary},
                                       {"device", file.st_dev},
                                       {"inode", file.st_ino},
                                       {"pid", ::getpid()},
                                       {"group", ::getpgrp()},
                                       {"directory", std::filesystem::current_path().native()},
                                       {"temp", temp ? temp : ""},
                                       {"places", boost::json::array{}}})
            << std::endl;
}

} // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  std::cout << "Blender 3.4.1" << std::endl;
  if (!arguments.empty() && arguments[0] == "--version")
    return 0;
  const auto expression = std::ranges::find(arguments, "--python-expr");
  if (expression != arguments.end() && std::next(expression)->find("getpgrp") != std::string::npos) {
    print_install_report();
    return 0;
  }
  if (expression != arguments.end()) { // kiln_devices.py
    const char* silent = std::getenv("FAKE_BLENDER_DEVICES");
    std::cout << (silent ? silent
                         : R"(kiln: {"devices": [{"type": "CPU", "name": "a CPU"}], "engines": ["CYCLES"]})")
              << std::endl;
    return 0;
  }
  std::map<std::string, std::string> options;
  std::string blend;
  std::vector<int> frames;
  const std::set<std::string> with_value{
      "-o", "-x", "-s", "-e", "-j", "-t", "-P", "-S", "--python-exit-code", "--log", "--log-level"};
  for (std::size_t i = 0; i < arguments.size() && arguments[i] != "--"; ++i) {
    const auto& a = arguments[i];
    if (with_value.contains(a))
      options[a] = arguments.at(++i);
    else if (a == "-a")
      for (int frame = std::stoi(options["-s"]); frame <= std::stoi(options["-e"]);
           frame += std::stoi(options["-j"]))
        frames.push_back(frame);
    else if (!a.starts_with('-'))
      blend = a;
  }
  if (options["-P"].ends_with("kiln_session.py"))
    return session{}.run(arguments);
  int status = 0;
  try {
    status = play_once(blend, arguments, frames, options["-o"]);
  } catch (const quit& q) {
    status = q.status;
  }
  std::cout << "\nBlender quit" << std::endl;
  return status;
}

// SPDX-License-Identifier: Apache-2.0
#include "client/local_kilnd.hpp"

#include "base/environment.hpp"
#include "client/exit_status.hpp"
#include "client/token_source.hpp"
#include "client/whole_file.hpp"
#include "digest/sha256.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

namespace kiln::client {
namespace {

namespace fs = std::filesystem;

constexpr auto idle_seconds = "300"; ///< how long kilnd waits for the next job before it ends

/// Makes a directory for this user alone. usage if it cannot be made, or is not.
result<void> make_private(const fs::path& directory) {
  std::error_code wrong;
  fs::create_directories(directory.parent_path(), wrong);
  if (::mkdir(directory.c_str(), S_IRWXU) != 0 && errno != EEXIST)
    return failure(exit_status::usage, last_error("create", directory).message +
                                           ": --local needs a place, say XDG_STATE_HOME=DIR");
  struct stat facts {};
  if (::lstat(directory.c_str(), &facts) != 0)
    return failure(exit_status::usage, last_error("open", directory).message);
  if (!S_ISDIR(facts.st_mode) || facts.st_uid != ::geteuid() || (facts.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    return failure(exit_status::usage,
                   fmt::format("{} must be a directory of yours alone: chmod 700 it, or move it away",
                               directory.native()));
  return {};
}

/// A path of any length as an address: through the descriptor of its directory.
result<sockaddr_un> address_in(int directory, const fs::path& socket) {
  const auto text = fmt::format("/proc/self/fd/{}/{}", directory, socket.filename().native());
  sockaddr_un out{};
  out.sun_family = AF_UNIX;
  if (text.size() >= sizeof out.sun_path)
    return error{errc::invalid_input, text + " is too long for a socket"};
  std::ranges::copy(text, out.sun_path);
  return out;
}

fs::path program_beside() {
  std::error_code wrong;
  const auto own = fs::read_symlink("/proc/self/exe", wrong);
  const auto beside = own.parent_path() / "kilnd";
  return !wrong && ::access(beside.c_str(), X_OK) == 0 ? beside : fs::path{"kilnd"};
}

bool is_for_kilnd(std::string_view variable) {
  constexpr std::array<std::string_view, 6> others{"KILN_URL=",      "KILN_TOKEN=", "LISTEN_",
                                                   "NOTIFY_SOCKET=", "WATCHDOG_",   "KILN_CONFIG="};
  return std::ranges::none_of(others, [&](std::string_view one) { return variable.starts_with(one); });
}

std::vector<char*> pointers_to(std::vector<std::string>& words) {
  std::vector<char*> out;
  for (auto& one : words)
    out.push_back(one.data());
  out.push_back(nullptr);
  return out;
}

} // namespace

local_kilnd::local_kilnd(const fs::path& root, fs::path program, std::vector<std::string> environment)
    : root_(root), program_(program.empty() ? program_beside() : std::move(program)),
      environment_(std::move(environment)) {}

result<void> local_kilnd::find_directories() {
  constexpr std::size_t digits = 16;
  const auto name = "local-" + digest::sha256(root_.native()).substr(0, digits);
  const auto state = own_directory(environment_, "XDG_STATE_HOME", ".local/state");
  if (state.empty())
    return failure(exit_status::usage, "--local needs a place for its state: set HOME or XDG_STATE_HOME");
  state_ = state / name;
  if (auto made = make_private(state_); !made)
    return made;
  const auto given = value_of(environment_, "XDG_RUNTIME_DIR");
  if (given && given->starts_with('/') && ::access(std::string{*given}.c_str(), W_OK) == 0) {
    const auto ours = fs::path{*given} / "kiln";
    if (auto made = make_private(ours); !made)
      return made;
    runtime_ = ours / name;
  } else {
    runtime_ = state_ / "run"; // after a logout, and on machines without a login manager
  }
  return make_private(runtime_);
}

result<aio::unique_descriptor> local_kilnd::connect() {
  if (auto found = find_directories(); !found)
    return found.error();
  const auto lock_file = state_ / "start.lock"; // two kilns start one kilnd
  const aio::unique_descriptor lock{
      ::open(lock_file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
  if (!lock.is_open() || ::flock(lock.get(), LOCK_EX) != 0)
    return failure(exit_status::usage, last_error("lock", lock_file).message);
  const aio::unique_descriptor directory{::open(runtime_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  const auto socket_file = runtime_ / "kilnd.sock";
  const auto address = address_in(directory.get(), socket_file);
  if (!address)
    return address.error();
  const auto* plain = reinterpret_cast<const sockaddr*>(&*address);
  constexpr int tries = 2;
  for (int i = 0; i < tries; ++i) {
    aio::unique_descriptor out{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (out.is_open() && ::connect(out.get(), plain, sizeof *address) == 0)
      return out;
    if (errno != ECONNREFUSED && errno != ENOENT)
      return failure(exit_status::not_reached, last_error("connect to", socket_file).message);
    if (i == 0)
      if (auto begun = start(socket_file); !begun)
        return begun.error();
  }
  return failure(exit_status::not_reached,
                 fmt::format("kilnd ended at once: see {}", (state_ / "log").native()));
}

/// kilnd gets a socket that listens already: whoever connects is answered as soon as it is up.
result<void> local_kilnd::start(const fs::path& socket) {
  const auto not_reached = [](const std::string& why) { return failure(exit_status::not_reached, why); };
  // One that just ends holds the lock of its state until it has: the next waits for this.
  const auto lock_file = state_ / "state" / "kilnd.lock";
  const aio::unique_descriptor before{::open(lock_file.c_str(), O_RDWR | O_CLOEXEC)};
  if (before.is_open() && (::flock(before.get(), LOCK_EX) != 0 || ::flock(before.get(), LOCK_UN) != 0))
    return not_reached(last_error("lock", lock_file).message);
  if (started_ > 0)
    ::waitpid(std::exchange(started_, 0), nullptr, WNOHANG);
  const aio::unique_descriptor directory{
      ::open(socket.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  const auto address = address_in(directory.get(), socket);
  if (!address)
    return address.error();
  ::unlink(socket.c_str());
  const aio::unique_descriptor listening{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  const auto log = state_ / "log";
  const aio::unique_descriptor said{
      ::open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600)};
  const aio::unique_descriptor nothing{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
  if (!listening.is_open() || !said.is_open() || !nothing.is_open() ||
      ::bind(listening.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0 ||
      ::listen(listening.get(), SOMAXCONN) != 0)
    return not_reached(last_error("listen on", socket).message);

  std::vector<std::string> arguments{program_.native(), "--config",       "/dev/null", "--state",
                                     state_ / "state",  "--project-root", root_,       "--exit-idle",
                                     idle_seconds};
  std::vector<std::string> variables;
  std::ranges::copy_if(environment_, std::back_inserter(variables), is_for_kilnd);
  variables.emplace_back("LISTEN_FDS=1");
  variables.push_back(fmt::format("LISTEN_PID={:<20}", ""));
  auto argv = pointers_to(arguments);
  auto envp = pointers_to(variables);
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0)
    return not_reached(last_error("start", program_).message);
  const aio::unique_descriptor told{ends[0]};
  aio::unique_descriptor tell{ends[1]};
  const auto child = ::fork();
  if (child < 0)
    return not_reached(last_error("start", program_).message);
  if (child == 0) { // only calls that are safe after fork()
    constexpr int first_given = 3;
    const int kept = ::fcntl(tell.get(), F_DUPFD_CLOEXEC, first_given + 1);
    const int given = ::fcntl(listening.get(), F_DUPFD_CLOEXEC, first_given + 1);
    std::array<char, 24> digits{};
    std::size_t at = digits.size() - 1;
    for (auto left = ::getpid(); left > 0; left /= 10)
      digits.at(--at) = static_cast<char>('0' + left % 10);
    std::strcpy(variables.back().data() + std::strlen("LISTEN_PID="), &digits.at(at));
    ::setsid(); // Ctrl-C and a closed terminal are for kiln alone
    ::dup2(nothing.get(), STDIN_FILENO);
    ::dup2(said.get(), STDOUT_FILENO);
    ::dup2(said.get(), STDERR_FILENO);
    ::dup2(given, first_given);
    ::execvpe(argv.front(), argv.data(), envp.data());
    const int why = errno;
    [[maybe_unused]] const auto written = ::write(kept, &why, sizeof why);
    ::_exit(127);
  }
  ::close(tell.release());
  int why = 0;
  if (::read(told.get(), &why, sizeof why) == sizeof why) {
    ::waitpid(child, nullptr, 0);
    ::unlink(socket.c_str());
    return not_reached(fmt::format("{} cannot be started: {}: install kilnd, or name it with --kilnd",
                                   program_.native(), std::generic_category().message(why)));
  }
  started_ = child;
  return {};
}

std::string local_kilnd::trouble() {
  constexpr int tries = 200, pause_ms = 10; // its socket is closed a moment before it has ended
  pid_t ended = 0;
  for (int i = 0; started_ > 0 && ended == 0 && i < tries; ++i) {
    ended = ::waitpid(started_, nullptr, WNOHANG);
    if (ended == 0)
      ::poll(nullptr, 0, pause_ms);
  }
  if (ended <= 0)
    return {};
  started_ = 0;
  const auto text = read_whole(state_ / "log");
  constexpr std::size_t most = 1000;
  if (!text || !*text || (*text)->empty())
    return "kilnd ended";
  const auto& all = **text;
  return "kilnd ended: " + all.substr(all.size() - std::min(all.size(), most));
}

} // namespace kiln::client

// SPDX-License-Identifier: Apache-2.0
#include "app/syslog_sink.hpp"

#include <fmt/format.h>

#include <cstring>

#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

namespace kiln::app {
namespace {

int severity_of(spdlog::level::level_enum level) {
  switch (level) {
  case spdlog::level::trace:
  case spdlog::level::debug:
    return LOG_DEBUG;
  case spdlog::level::warn:
    return LOG_WARNING;
  case spdlog::level::err:
    return LOG_ERR;
  case spdlog::level::critical:
    return LOG_CRIT;
  default:
    return LOG_INFO;
  }
}

} // namespace

syslog_sink::syslog_sink(const std::filesystem::path& socket)
    : socket_(socket), fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {}

void syslog_sink::sink_it_(const spdlog::details::log_msg& msg) {
  spdlog::memory_buf_t formatted;
  formatter_->format(msg, formatted);
  std::string_view text{formatted.data(), formatted.size()};
  text = text.substr(0, text.find_last_not_of('\n') + 1);
  if (dropped_ > 0 && send(LOG_WARNING, fmt::format("{} lines were lost: syslogd did not read", dropped_)))
    dropped_ = 0;
  if (!send(severity_of(msg.level), text))
    ++dropped_;
}

bool syslog_sink::send(int severity, std::string_view text) {
  // By path each time: a restarted syslogd has a new socket there.
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  std::strncpy(to.sun_path, socket_.c_str(), sizeof to.sun_path - 1);
  const auto line = fmt::format("<{}>kilnd[{}]: {}", LOG_DAEMON | severity, ::getpid(), text);
  return ::sendto(fd_.get(), line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                  reinterpret_cast<const sockaddr*>(&to), sizeof to) >= 0;
}

} // namespace kiln::app

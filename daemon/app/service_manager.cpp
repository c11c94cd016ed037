// SPDX-License-Identifier: Apache-2.0
#include "app/service_manager.hpp"

#include "aio/unique_descriptor.hpp"
#include "base/environment.hpp"
#include "base/number.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <ctime>
#include <numeric>

#include <sys/socket.h>
#include <sys/un.h>

namespace kiln::app {
namespace {

constexpr int first_socket = 3;  // SD_LISTEN_FDS_START
constexpr int most_sockets = 64; // a larger number is an error of the supervisor

template<class Number>
std::optional<Number> number_of(const std::vector<std::string>& environment, std::string_view name) {
  const auto text = value_of(environment, name);
  return text ? parse_number<Number>(*text) : std::nullopt;
}

} // namespace

service_manager::service_manager(const std::vector<std::string>& environment, pid_t own) {
  if (const auto address = value_of(environment, "NOTIFY_SOCKET");
      address && address->size() < sizeof(sockaddr_un::sun_path) &&
      (address->starts_with('/') || address->starts_with('@')))
    notify_address_ = *address;
  const auto watched = number_of<pid_t>(environment, "WATCHDOG_PID"); // if it is missing: any process
  if (const auto us = number_of<std::chrono::microseconds::rep>(environment, "WATCHDOG_USEC");
      us && *us > 0 && watched.value_or(own) == own)
    watchdog_ = std::chrono::microseconds{*us};
  if (const auto count = number_of<int>(environment, "LISTEN_FDS");
      count && number_of<pid_t>(environment, "LISTEN_PID") == own)
    sockets_ = std::clamp(*count, 0, most_sockets);
}

void service_manager::tell(std::string_view state) const {
  if (notify_address_.empty())
    return;
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  std::memcpy(to.sun_path, notify_address_.data(), notify_address_.size());
  if (to.sun_path[0] == '@')
    to.sun_path[0] = '\0'; // an abstract name
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + notify_address_.size());
  const aio::unique_descriptor fd{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  // Does not wait: a supervisor that does not read must not block the loop.
  if (fd.is_open())
    ::sendto(fd.get(), state.data(), state.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
             reinterpret_cast<const sockaddr*>(&to), length);
}

void service_manager::tell_reloading() const {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now); // Type=notify-reload ignores older messages
  tell(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", now.tv_sec * 1'000'000 + now.tv_nsec / 1000));
}

std::vector<int> service_manager::sockets() const {
  std::vector<int> descriptors(static_cast<std::size_t>(sockets_));
  std::iota(descriptors.begin(), descriptors.end(), first_socket);
  return descriptors;
}

} // namespace kiln::app

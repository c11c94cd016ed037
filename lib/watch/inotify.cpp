// SPDX-License-Identifier: Apache-2.0
#include "watch/inotify.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/system/system_error.hpp>

#include <array>
#include <cerrno>
#include <cstring>

#include <sys/inotify.h>
#include <unistd.h>

namespace kiln::watch {
namespace {

error watch_error(const char* call, int errno_value, const std::filesystem::path& path) {
  auto e = system_error(errno_value, std::string{call} + " " + path.native());
  if (errno_value == EMFILE)
    e.message += " (see fs.inotify.max_user_instances)";
  if (errno_value == ENOSPC)
    e.message += " (see fs.inotify.max_user_watches)";
  return e;
}

} // namespace

result<std::unique_ptr<inotify>> inotify::open(aio::executor_type loop, const std::filesystem::path& path,
                                               std::uint32_t mask) {
  const int fd = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (fd < 0)
    return watch_error("inotify for", errno, path);
  std::unique_ptr<inotify> made{new inotify(loop, fd)};
  if (::inotify_add_watch(fd, path.c_str(), mask | IN_DONT_FOLLOW) < 0)
    return watch_error("watch", errno, path);
  return made;
}

void inotify::drain(events& into) {
  alignas(inotify_event) std::array<char, 16 * 1024> buffer;
  for (;;) {
    const auto size = ::read(queue_.native_handle(), buffer.data(), buffer.size());
    if (size <= 0)
      return; // EAGAIN: all is read
    for (const char* at = buffer.data(); at < buffer.data() + size;) {
      inotify_event event;
      std::memcpy(&event, at, sizeof event);
      if (event.mask & IN_Q_OVERFLOW)
        into.overflowed = true;
      else if (event.len > 0)
        into.names.emplace_back(at + sizeof event); // padded with zeros
      at += sizeof event + event.len;
    }
  }
}

aio::task<inotify::events> inotify::next() {
  events seen;
  if (!finishing_) {
    const auto [ec] = co_await queue_.async_wait(aio::asio::posix::descriptor_base::wait_read,
                                                 aio::asio::as_tuple(aio::use_task));
    if (ec && !finishing_)
      throw boost::system::system_error(ec);
  }
  const bool ends = finishing_; // before the look, so that nothing falls between
  drain(seen);
  seen.ended = ends && seen.names.empty() && !seen.overflowed;
  co_return seen;
}

void inotify::finish() {
  finishing_ = true;
  queue_.cancel();
}

} // namespace kiln::watch

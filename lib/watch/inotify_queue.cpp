// SPDX-License-Identifier: Apache-2.0
#include "watch/inotify_queue.hpp"

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
  if (errno_value == ENOSPC) { // does not refer to the disk here
    e = {errc::exhausted,
         std::string{call} + " " + path.native() + ": no more watches (see fs.inotify.max_user_watches)"};
  }
  return e;
}

} // namespace

aio::asio::execution_context::id inotify_queue::id;

inotify_queue& inotify_queue::of(aio::executor_type loop) {
  return aio::asio::use_service<inotify_queue>(loop.context());
}

inotify_queue::inotify_queue(aio::asio::execution_context& loop)
    : service(loop), queue_(static_cast<aio::asio::io_context&>(loop).get_executor()) {}

std::optional<error> inotify_queue::add(inotify& watch, const std::filesystem::path& path,
                                        std::uint32_t mask) {
  if (!queue_.is_open()) {
    const int fd = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (fd < 0)
      return watch_error("inotify for", errno, path);
    queue_.assign(fd);
  }
  const int number =
      ::inotify_add_watch(queue_.native_handle(), path.c_str(), mask | IN_DONT_FOLLOW | IN_MASK_ADD);
  if (number < 0)
    return watch_error("watch", errno, path);
  watchers_.emplace(number, watcher{.watch = &watch, .mask = mask});
  listen();
  return std::nullopt;
}

void inotify_queue::remove(inotify& watch) noexcept {
  for (auto it = watchers_.begin(); it != watchers_.end(); ++it)
    if (it->second.watch == &watch) {
      const int number = it->first;
      watchers_.erase(it);
      if (!watchers_.contains(number))
        ::inotify_rm_watch(queue_.native_handle(), number);
      break;
    }
  if (watchers_.empty() && queue_.is_open()) {
    boost::system::error_code ignored;
    queue_.cancel(ignored); // a loop with nothing else to do may end
  }
}

void inotify_queue::listen() {
  if (listening_ || watchers_.empty())
    return;
  listening_ = true;
  queue_.async_wait(aio::asio::posix::descriptor_base::wait_read, [this](boost::system::error_code ec) {
    listening_ = false;
    if (ec && ec != aio::asio::error::operation_aborted)
      throw boost::system::system_error(ec);
    if (!ec)
      drain();
    listen();
  });
}

void inotify_queue::drain() {
  alignas(inotify_event) std::array<char, 16 * 1024> buffer;
  for (;;) {
    const auto size = ::read(queue_.native_handle(), buffer.data(), buffer.size());
    if (size <= 0)
      return; // EAGAIN: all is read
    for (const char* at = buffer.data(); at < buffer.data() + size;) {
      inotify_event event;
      std::memcpy(&event, at, sizeof event);
      tell(event.wd, event.mask, event.len > 0 ? at + sizeof event : nullptr); // padded with zeros
      at += sizeof event + event.len;
    }
  }
}

void inotify_queue::tell(int number, std::uint32_t mask, const char* name) {
  if (mask & IN_Q_OVERFLOW)
    for (auto& [of, known] : watchers_)
      known.watch->note_overflow();
  const auto [begin, end] = watchers_.equal_range(number);
  for (auto it = begin; it != end; ++it)
    if (mask & (it->second.mask | IN_IGNORED))
      it->second.watch->note(name);
  if (mask & IN_IGNORED) // the watched path is gone; the kernel may reuse its number
    watchers_.erase(begin, end);
}

} // namespace kiln::watch

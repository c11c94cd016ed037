// SPDX-License-Identifier: Apache-2.0
#include "watch/file_tail.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

namespace kiln::watch {
namespace {

constexpr std::size_t chunk_size = 64 * 1024;

} // namespace

result<file_tail> file_tail::open(aio::executor_type loop, const std::filesystem::path& file) {
  aio::unique_descriptor opened{::open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
  struct stat facts {};
  if (!opened.is_open() || ::fstat(opened.get(), &facts) != 0)
    return system_error(errno, "open " + file.native());
  if (!S_ISREG(facts.st_mode))
    return error{errc::invalid_input, file.native() + " is not a file"};
  // If a reader has freed the blocks of the beginning, start after them.
  if (::lseek(opened.get(), 0, SEEK_DATA) < 0)
    ::lseek(opened.get(), 0, errno == ENXIO ? SEEK_END : SEEK_SET);
  auto queue = inotify::open(loop, file, IN_MODIFY); // before the first read, so that no growth is missed
  if (!queue)
    return queue.error();
  return file_tail{std::move(*queue), std::move(opened), file.native()};
}

aio::task<result<std::string>> file_tail::next() {
  for (;;) {
    // A writer that floods its log must not starve the loop.
    co_await aio::asio::post(co_await aio::asio::this_coro::executor, aio::use_task);
    const bool ends = finishing_;
    std::string chunk(chunk_size, '\0');
    const auto size = ::read(file_.get(), chunk.data(), chunk.size());
    if (size > 0) {
      chunk.resize(static_cast<std::size_t>(size));
      co_return chunk;
    }
    if (size < 0 && errno != EINTR)
      co_return system_error(errno, "read " + name_);
    if (ends && size == 0)
      co_return std::string{};
    (void)co_await queue_->next();
  }
}

void file_tail::finish() {
  finishing_ = true;
  queue_->finish();
}

} // namespace kiln::watch

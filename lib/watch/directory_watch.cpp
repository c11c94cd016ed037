// SPDX-License-Identifier: Apache-2.0
#include "watch/directory_watch.hpp"

#include <sys/inotify.h>

namespace kiln::watch {

result<directory_watch> directory_watch::open(aio::executor_type loop,
                                              const std::filesystem::path& directory) {
  auto queue = inotify::open(loop, directory, IN_CLOSE_WRITE | IN_MOVED_TO | IN_ONLYDIR);
  if (!queue)
    return queue.error();
  return directory_watch{std::move(*queue)};
}

aio::task<std::optional<directory_watch::closed_files>> directory_watch::next() {
  auto seen = co_await queue_->next();
  if (seen.ended)
    co_return std::nullopt;
  closed_files closed{std::move(seen.names), seen.overflowed};
  co_return closed;
}

} // namespace kiln::watch

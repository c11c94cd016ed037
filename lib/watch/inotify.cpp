// SPDX-License-Identifier: Apache-2.0
#include "watch/inotify.hpp"

#include "watch/inotify_queue.hpp"

#include <utility>

namespace kiln::watch {

result<std::unique_ptr<inotify>> inotify::open(aio::executor_type loop, const std::filesystem::path& path,
                                               std::uint32_t mask) {
  auto& queue = inotify_queue::of(loop);
  std::unique_ptr<inotify> made{new inotify(loop, queue)};
  if (auto failed = queue.add(*made, path, mask))
    return *failed;
  return made;
}

inotify::~inotify() {
  queue_.remove(*this);
}

aio::task<inotify::events> inotify::next() {
  while (!has_news_ && !finishing_)
    co_await happened_.wait();
  has_news_ = false;
  auto seen = std::exchange(seen_, {});
  named_.clear();
  seen.ended = finishing_ && seen.names.empty() && !seen.overflowed;
  co_return seen;
}

void inotify::note(const char* name) {
  constexpr std::size_t most_names = 10'000; // beyond that, the directory is scanned
  if (name && !seen_.overflowed && named_.insert(name).second) {
    if (seen_.names.size() < most_names)
      seen_.names.emplace_back(name);
    else
      return note_overflow();
  }
  has_news_ = true;
  happened_.notify_all();
}

void inotify::note_overflow() {
  seen_ = {};
  seen_.overflowed = true;
  named_.clear();
  has_news_ = true;
  happened_.notify_all();
}

void inotify::finish() {
  finishing_ = true;
  queue_.drain();
  queue_.remove(*this);
  happened_.notify_all();
}

} // namespace kiln::watch

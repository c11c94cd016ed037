// SPDX-License-Identifier: Apache-2.0
//
// One inotify watch on the reactor; the basis of file_tail and directory_watch.
#pragma once

#include "aio/notification.hpp"
#include "aio/task.hpp"
#include "base/error.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

namespace kiln::watch {

class inotify_queue;

class inotify {
public:
  /// `mask`: of inotify(7). Links are not followed. Errors name the path, and a system limit if reached.
  [[nodiscard]] static result<std::unique_ptr<inotify>>
  open(aio::executor_type loop, const std::filesystem::path& path, std::uint32_t mask);

  ~inotify();
  inotify(const inotify&) = delete;
  inotify& operator=(const inotify&) = delete;

  struct events {
    std::vector<std::string> names; ///< of files in the watched directory: each once, the first event counts
    bool overflowed = false;        ///< events were lost: scan instead
    bool ended = false;             ///< finish() was called, and all earlier events are reported
  };

  /// Completes after an event, or after finish().
  [[nodiscard]] aio::task<events> next();

  /// Ends waits: next() returns queued events, then `ended`.
  void finish();

private:
  friend class inotify_queue;
  inotify(aio::executor_type loop, inotify_queue& queue) : queue_(queue), happened_(loop) {}

  /// An event for the file of this name; nullptr: for the watched path itself.
  void note(const char* name);
  void note_overflow();

  inotify_queue& queue_;
  aio::notification happened_;
  events seen_;
  std::unordered_set<std::string> named_; ///< the names of seen_
  bool has_news_ = false, finishing_ = false;
};

} // namespace kiln::watch

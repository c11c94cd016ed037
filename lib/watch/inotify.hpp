// SPDX-License-Identifier: Apache-2.0
//
// One inotify watch on the reactor: what file_tail and directory_watch stand on.
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
  /// `mask`: of inotify(7). Links are not followed. Errors name the path, and the limit of the system that
  /// was met.
  [[nodiscard]] static result<std::unique_ptr<inotify>>
  open(aio::executor_type loop, const std::filesystem::path& path, std::uint32_t mask);

  ~inotify();
  inotify(const inotify&) = delete;
  inotify& operator=(const inotify&) = delete;

  struct events {
    std::vector<std::string> names; ///< of files in the watched directory: each once, the first event counts
    bool overflowed = false;        ///< events were lost: look yourself
    bool ended = false;             ///< finish() was called, and all that had happened by then has been told
  };

  /// Completes when something happened, or after finish().
  [[nodiscard]] aio::task<events> next();

  /// Ends the waiting: next() tells what is queued, then that it has ended.
  void finish();

private:
  friend class inotify_queue;
  inotify(aio::executor_type loop, inotify_queue& queue) : queue_(queue), happened_(loop) {}

  /// Something has happened to the file of this name; nullptr: to what is watched.
  void note(const char* name);
  void note_overflow();

  inotify_queue& queue_;
  aio::notification happened_;
  events seen_;
  std::unordered_set<std::string> named_; ///< the names of seen_
  bool has_news_ = false, finishing_ = false;
};

} // namespace kiln::watch

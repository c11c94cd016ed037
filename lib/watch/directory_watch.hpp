// SPDX-License-Identifier: Apache-2.0
//
// Tells which files of one directory (not of those below it) have been closed after writing, or moved in. A
// name says that there is something to look at, no more: the file may be gone, or be written again.
#pragma once

#include "watch/inotify.hpp"

#include <optional>

namespace kiln::watch {

class directory_watch {
public:
  [[nodiscard]] static result<directory_watch> open(aio::executor_type loop,
                                                    const std::filesystem::path& directory);

  struct closed_files {
    std::vector<std::string> names; ///< each once, in the order in which they were closed first
    bool rescan = false;            ///< there were more than are told: look at the directory
  };

  /// Completes when there is something; with nothing, after finish(), when all has been told.
  [[nodiscard]] aio::task<std::optional<closed_files>> next();

  void finish() { queue_->finish(); }

private:
  explicit directory_watch(std::unique_ptr<inotify> queue) : queue_(std::move(queue)) {}
  std::unique_ptr<inotify> queue_;
};

} // namespace kiln::watch

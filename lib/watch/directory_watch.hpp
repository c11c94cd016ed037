// SPDX-License-Identifier: Apache-2.0
//
// Reports files of one directory (not of subdirectories) that were closed after writing, or moved in. A name
// is only a hint: the file may be gone, or be written again.
#pragma once

#include "watch/inotify.hpp"

#include <optional>

namespace kiln::watch {

class directory_watch {
public:
  [[nodiscard]] static result<directory_watch> open(aio::executor_type loop,
                                                    const std::filesystem::path& directory);

  struct closed_files {
    std::vector<std::string> names; ///< each once, in the order of their first close
    bool rescan = false;            ///< events were dropped: scan the directory
  };

  /// Completes when there are files; with nullopt after finish(), once all are reported.
  [[nodiscard]] aio::task<std::optional<closed_files>> next();

  void finish() { queue_->finish(); }

private:
  explicit directory_watch(std::unique_ptr<inotify> queue) : queue_(std::move(queue)) {}
  std::unique_ptr<inotify> queue_;
};

} // namespace kiln::watch

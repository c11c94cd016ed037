// SPDX-License-Identifier: Apache-2.0
//
// Reads a file as another process appends to it: a log.
#pragma once

#include "aio/unique_descriptor.hpp"
#include "base/error.hpp"
#include "watch/inotify.hpp"

#include <string>

namespace kiln::watch {

class file_tail {
public:
  /// Opens an existing regular file at its beginning, after a leading hole if any; refuses links.
  [[nodiscard]] static result<file_tail> open(aio::executor_type loop, const std::filesystem::path& file);

  /// The next bytes, at most 64 KiB, once there are any; empty after finish() at the end of the file. After a
  /// read error the next call tries again.
  [[nodiscard]] aio::task<result<std::string>> next();

  /// The writer is gone: reads the remaining bytes, then ends.
  void finish();

private:
  file_tail(std::unique_ptr<inotify> queue, aio::unique_descriptor file, std::string name)
      : queue_(std::move(queue)), file_(std::move(file)), name_(std::move(name)) {}
  std::unique_ptr<inotify> queue_;
  aio::unique_descriptor file_;
  std::string name_;
  bool finishing_ = false;
};

} // namespace kiln::watch

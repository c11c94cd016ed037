// SPDX-License-Identifier: Apache-2.0
//
// One daemon for each state directory, and one for each output directory. The lock ends with the process,
// whatever ends it.
#pragma once

#include "aio/unique_descriptor.hpp"
#include "base/error.hpp"

#include <filesystem>
#include <string_view>

namespace kiln::store {

class directory_lock {
public:
  /// Makes `file`, where it is missing, and locks it. `key` is the configuration's name of its directory, for
  /// messages. conflict, with the pid of the holder, when another daemon has the lock.
  [[nodiscard]] static result<directory_lock> take(const std::filesystem::path& file, std::string_view key);

  /// Whether take() would succeed. Makes no file, and leaves the lock free.
  [[nodiscard]] static result<void> check(const std::filesystem::path& file, std::string_view key);

private:
  explicit directory_lock(aio::unique_descriptor file) : file_(std::move(file)) {}
  aio::unique_descriptor file_;
};

} // namespace kiln::store

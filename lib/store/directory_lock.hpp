// SPDX-License-Identifier: Apache-2.0
//
// Ensures one daemon for each state directory and for each output directory. The lock ends with the process,
// however it ends.
#pragma once

#include "aio/unique_descriptor.hpp"
#include "base/error.hpp"

#include <filesystem>
#include <string_view>

namespace kiln::store {

class directory_lock {
public:
  /// Creates `file` if missing, and locks it. `key` is the configuration key of its directory, for messages.
  /// conflict, with the holder's pid, if another daemon has the lock.
  [[nodiscard]] static result<directory_lock> take(const std::filesystem::path& file, std::string_view key);

  /// Whether take() would succeed. Creates no file and takes no lock.
  [[nodiscard]] static result<void> check(const std::filesystem::path& file, std::string_view key);

private:
  explicit directory_lock(aio::unique_descriptor file) : file_(std::move(file)) {}
  aio::unique_descriptor file_;
};

} // namespace kiln::store

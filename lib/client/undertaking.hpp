// SPDX-License-Identifier: Apache-2.0
//
// What a command has begun, on disk before its request is sent: the same command goes on with it, after a
// crash as well. In DIR/.kiln.json for a download, else among the user's state.
#pragma once

#include "base/error.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace kiln::client {

struct undertaking {
  std::string url;
  std::string command; ///< a digest of the .blend's path, size and time, and of the job's fields
  std::string key;     ///< the beginning of the Idempotency-Key
  std::string job;     ///< empty: not answered yet

  friend bool operator==(const undertaking&, const undertaking&) = default;
};

/// Nullopt if the file does not exist. usage if it is not one of kiln's.
[[nodiscard]] result<std::optional<undertaking>> read_undertaking(const std::filesystem::path& file);

[[nodiscard]] result<void> write_undertaking(const std::filesystem::path& file, const undertaking& what);

/// A new key: 128 random bits.
[[nodiscard]] std::string make_key();

} // namespace kiln::client

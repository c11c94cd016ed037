// SPDX-License-Identifier: Apache-2.0
//
// SHA-256 of .blend files, reckoned once for each content.
#pragma once

#include "aio/blocking_pool.hpp"

#include <cstdint>
#include <filesystem>
#include <list>
#include <optional>
#include <string>
#include <string_view>

namespace kiln::executor {

class blend_digests {
public:
  /// The pool outlives it.
  explicit blend_digests(aio::blocking_pool& pool) : pool_(pool) {}

  /// 64 hexadecimal digits; nothing when it cannot be read.
  [[nodiscard]] aio::task<std::optional<std::string>> of(std::filesystem::path file);

private:
  static constexpr std::size_t kept = 64;

  /// A file is taken for the same while these are.
  struct identity {
    std::uint64_t device = 0, inode = 0;
    std::int64_t size = 0, modified_ns = 0;
    friend bool operator==(const identity&, const identity&) = default;
  };
  struct entry {
    identity file;
    std::string digest;
  };
  static std::optional<identity> identify(const std::filesystem::path& file);
  static std::optional<std::string> digest(const std::filesystem::path& file);

  aio::blocking_pool& pool_;
  std::list<entry> known_; ///< the newest first
};

} // namespace kiln::executor

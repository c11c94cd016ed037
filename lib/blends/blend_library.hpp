// SPDX-License-Identifier: Apache-2.0
//
// The files that clients have sent: each is DIRECTORY/DIGITS/upload.blend, after the SHA-256 of its content,
// and alone in its directory. Names that clients give never become paths. These calls block: for the pool.
#pragma once

#include "aio/unique_descriptor.hpp"
#include "base/error.hpp"
#include "blender/packed_begin.hpp"
#include "digest/sha256.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace kiln::blends {

/// 64 hexadecimal digits in lower case.
[[nodiscard]] bool is_sha256(std::string_view digits) noexcept;

/// A file on its way in. What is not kept goes with it.
class incoming_file {
public:
  [[nodiscard]] static result<std::unique_ptr<incoming_file>> make(const std::filesystem::path& directory);
  ~incoming_file();
  incoming_file(const incoming_file&) = delete;
  incoming_file& operator=(const incoming_file&) = delete;

  /// corrupt as soon as it is seen not to be a .blend; else an error of the system.
  [[nodiscard]] result<void> write(std::string_view bytes);

  struct whole {
    std::string digits; ///< its SHA-256, 64 hexadecimal digits
    std::uintmax_t bytes = 0;
    blender::blend_facts facts;
  };
  /// Nothing more comes. On disk when it returns, under a name of its own.
  [[nodiscard]] result<whole> finish();

  /// Gives it its place; what stands there already has the same content and stays. On disk when it returns.
  [[nodiscard]] result<void> keep(const std::string& digits);

private:
  incoming_file(std::filesystem::path library, std::filesystem::path directory, int fd);
  [[nodiscard]] result<void> look_at_begin();

  std::filesystem::path library_;
  std::filesystem::path directory_; ///< its own
  aio::unique_descriptor file_;
  digest::sha256_hasher hasher_;
  std::uintmax_t size_ = 0;
  std::string begin_; ///< until it was looked at
  bool is_known_ = false;
  blender::blend_facts facts_;
};

class blend_library {
public:
  explicit blend_library(std::filesystem::path directory) : directory_(std::move(directory)) {}

  [[nodiscard]] const std::filesystem::path& directory() const noexcept { return directory_; }
  [[nodiscard]] std::filesystem::path path_of(std::string_view digits) const;

  /// Makes the directory, and removes what was on its way when an earlier life ended. The digits of what is
  /// there.
  [[nodiscard]] result<std::vector<std::string>> open() const;

  /// What a file of the library is.
  [[nodiscard]] result<incoming_file::whole> look_at(const std::string& digits) const;

  /// No error when it is not there.
  [[nodiscard]] result<void> remove(std::string_view digits) const;

  /// Of the disk; a large number when that cannot be known.
  [[nodiscard]] std::uintmax_t free_bytes() const;

private:
  std::filesystem::path directory_;
};

} // namespace kiln::blends

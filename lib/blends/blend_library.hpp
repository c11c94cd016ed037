// SPDX-License-Identifier: Apache-2.0
//
// The uploaded files: each is DIRECTORY/DIGITS/upload.blend, named by the SHA-256 of its content, and alone
// in its directory. Names from clients never become paths. These calls block: for the pool.
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

/// A file being received; deleted with this object unless kept.
class incoming_file {
public:
  [[nodiscard]] static result<std::unique_ptr<incoming_file>> make(const std::filesystem::path& directory);
  ~incoming_file();
  incoming_file(const incoming_file&) = delete;
  incoming_file& operator=(const incoming_file&) = delete;

  /// For a file that arrives in several requests: it stays after a crash, with a text about it.
  [[nodiscard]] result<void> describe(std::string_view about);
  /// One that was described: its directory below the library. Reads all of it.
  [[nodiscard]] static result<std::unique_ptr<incoming_file>> reopen(const std::filesystem::path& library,
                                                                     const std::string& name);
  /// Of its directory.
  [[nodiscard]] std::string name() const { return directory_.filename().native(); }
  [[nodiscard]] std::uintmax_t size() const noexcept { return size_; }
  /// Stays on disk although this object ends; for a stop of kilnd.
  void leave() { directory_.clear(); }

  /// corrupt as soon as it turns out not to be a .blend; otherwise a system error.
  [[nodiscard]] result<void> write(std::string_view bytes);

  struct whole {
    std::string digits; ///< its SHA-256, 64 hexadecimal digits
    std::uintmax_t bytes = 0;
    blender::blend_facts facts;
  };
  /// Ends the file. Durable when it returns, under a temporary name.
  [[nodiscard]] result<whole> finish();

  /// Moves the file to its final place; an existing file there has the same content and stays. Durable when
  /// it returns.
  [[nodiscard]] result<void> keep(const std::string& digits);

private:
  incoming_file(std::filesystem::path library, std::filesystem::path directory, int fd);
  [[nodiscard]] result<void> look_at_begin();
  [[nodiscard]] result<void> note(std::string_view bytes);

  std::filesystem::path library_;
  std::filesystem::path directory_; ///< its own
  aio::unique_descriptor file_;
  digest::sha256_hasher hasher_;
  std::uintmax_t size_ = 0;
  std::string begin_; ///< until it is parsed
  bool is_known_ = false;
  blender::blend_facts facts_;
};

class blend_library {
public:
  explicit blend_library(std::filesystem::path directory) : directory_(std::move(directory)) {}

  [[nodiscard]] const std::filesystem::path& directory() const noexcept { return directory_; }
  [[nodiscard]] std::filesystem::path path_of(std::string_view digits) const;

  /// Creates the directory, and removes incomplete files of an earlier run, except those with a description.
  /// Returns the digits of the existing files.
  [[nodiscard]] result<std::vector<std::string>> open() const;

  struct unfinished {
    std::string name;  ///< for incoming_file::reopen()
    std::string about; ///< its description
    std::uintmax_t bytes = 0;
  };
  [[nodiscard]] result<std::vector<unfinished>> list_unfinished() const;

  /// The facts of a file in the library.
  [[nodiscard]] result<incoming_file::whole> look_at(const std::string& digits) const;

  /// No error if it is missing.
  [[nodiscard]] result<void> remove(std::string_view digits) const;

  /// Of the disk; a large number if unknown.
  [[nodiscard]] std::uintmax_t free_bytes() const;

private:
  std::filesystem::path directory_;
};

} // namespace kiln::blends

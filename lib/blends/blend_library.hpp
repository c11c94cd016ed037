// SPDX-License-Identifier: Apache-2.0
//
// .blend files that clients have sent, in STATE/blends, each under the SHA-256 of its content: the same file twice is
// one file. Names that clients give never become paths. These calls block: for the pool.
#pragma once

#include "aio/unique_descriptor.hpp"
#include "base/error.hpp"
#include "blender/blend_file.hpp"
#include "digest/sha256.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kiln::blends {

struct library_limits {
  std::uintmax_t file_bytes = 16ULL << 30;  ///< the largest file that is taken
  std::uintmax_t all_bytes = 64ULL << 30;   ///< all together
  std::uintmax_t disk_reserve = 512 << 20;  ///< that stays free on the disk
};

struct stored_blend {
  std::string id; ///< "sha256:" and 64 hexadecimal digits
  std::uintmax_t bytes = 0;
  std::chrono::sys_seconds used; ///< when it came, or was last asked for
  blender::blend_header header;
};

/// The digits of an id; nothing for what is none.
[[nodiscard]] std::optional<std::string_view> digits_of(std::string_view id);

/// A file on its way into the library; it leaves nothing behind unless finish() succeeds. Errors: corrupt (not a
/// .blend), too_large for the limits, no_space.
class incoming_blend {
public:
  incoming_blend(incoming_blend&&) noexcept = default;
  incoming_blend& operator=(incoming_blend&&) = delete;
  ~incoming_blend();

  [[nodiscard]] result<void> write(std::string_view bytes);

  struct outcome {
    stored_blend blend;
    bool was_there = false;
  };
  /// On disk when it returns.
  [[nodiscard]] result<outcome> finish();

private:
  friend class blend_library;
  incoming_blend(std::filesystem::path directory, std::string temporary, int fd, std::uintmax_t room);
  [[nodiscard]] result<void> check_begin();

  std::filesystem::path directory_;
  std::string temporary_; ///< its name until finish()
  aio::unique_descriptor file_;
  std::uintmax_t room_; ///< bytes that it may have
  std::uintmax_t size_ = 0;
  digest::sha256_hasher hasher_;
  std::string begin_;
  std::optional<blender::blend_header> header_;
};

class blend_library {
public:
  blend_library(std::filesystem::path directory, library_limits limits);

  /// Makes the directory, and removes what was on its way when an earlier life ended.
  [[nodiscard]] result<void> open();

  /// `length`: of the file, where it is known.
  [[nodiscard]] result<incoming_blend> begin(std::optional<std::uintmax_t> length) const;

  /// The file; its time of use is now. not_found when there is none.
  [[nodiscard]] result<std::filesystem::path> use(std::string_view id) const;
  [[nodiscard]] result<stored_blend> find(std::string_view id) const;
  /// Those last used are the first.
  [[nodiscard]] std::vector<stored_blend> list() const;
  [[nodiscard]] result<void> remove(std::string_view id) const;

private:
  [[nodiscard]] std::filesystem::path path_of(std::string_view digits) const;

  std::filesystem::path directory_;
  library_limits limits_;
};

} // namespace kiln::blends

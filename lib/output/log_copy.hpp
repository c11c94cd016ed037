// SPDX-License-Identifier: Apache-2.0
//
// The log of an attempt. Blender prints to a file on the output disk, next to its frames; the permanent log
// that clients read is a bounded copy in the state directory. So no Blender holds a descriptor of a file on
// the state disk, with which it could fill that disk and block changes to all jobs. Blocks: for the pool.
#pragma once

#include "aio/unique_descriptor.hpp"
#include "base/error.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace kiln::output {

struct log_limits {
  std::uint64_t size = 16 << 20;   ///< bytes of a log; a longer one keeps its first half and its end
  std::uint64_t small = 512 << 10; ///< the same while the disk of the copy is nearly full
};

class log_copy {
public:
  /// Copies `from` to `to`, which may hold the beginning of the copy, made by an earlier run of kilnd.
  [[nodiscard]] static result<log_copy> open(const std::filesystem::path& from,
                                             const std::filesystem::path& to, log_limits limits);

  /// Adds the next bytes of `from`, in order. Bytes that cannot be written are left out. For a long log, disk
  /// blocks of `from` are freed.
  void add(std::string_view bytes);

  /// Bytes of `from` already consumed: add() continues after them.
  [[nodiscard]] std::uint64_t position() const noexcept { return consumed_; }

private:
  log_copy(aio::unique_descriptor from, aio::unique_descriptor to, log_limits limits)
      : from_(std::move(from)), to_(std::move(to)), limits_(limits) {}
  void write(std::string_view bytes);
  [[nodiscard]] std::uint64_t limit();
  void give_back();

  aio::unique_descriptor from_, to_;
  log_limits limits_;
  std::uint64_t consumed_ = 0; ///< bytes of `from`
  std::uint64_t given_back_ = 0;
  std::uint64_t same_ = 0;    ///< bytes of the copy written by an earlier run and not added again yet
  std::uint64_t written_ = 0; ///< the size of the copy
  std::uint64_t look_at_ = 0; ///< size of the copy at which to check the free space
  std::uint64_t limit_now_ = 0;
  bool has_gap_ = false;
};

/// Copies all of `from`, which must have no writer any more.
void copy_rest_of_log(const std::filesystem::path& from, const std::filesystem::path& to, log_limits limits);

} // namespace kiln::output

// SPDX-License-Identifier: Apache-2.0
//
// The log of an attempt. Blender prints to a file on the disk of the output, as it writes its frames there;
// the log that stays and that clients read is a bounded copy of that in the state directory. So no Blender
// holds a descriptor of a file on the disk of the state, which would let it fill that disk, and keep all jobs
// from being changed. Blocks: for the pool.
#pragma once

#include "aio/unique_descriptor.hpp"
#include "base/error.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace kiln::output {

struct log_limits {
  std::uint64_t size = 16 << 20;   ///< bytes of a log: of a longer one the first half and the end are kept
  std::uint64_t small = 512 << 10; ///< the same while the disk of the copy is nearly full
};

class log_copy {
public:
  /// Copies `from` to `to`, which can be the beginning of such a copy by an earlier life of kilnd.
  [[nodiscard]] static result<log_copy> open(const std::filesystem::path& from,
                                             const std::filesystem::path& to, log_limits limits);

  /// The next bytes of `from`, in their order. What cannot be written is left out. Of a long log the blocks
  /// of `from` are given back.
  void add(std::string_view bytes);

  /// Bytes of `from` that are not there any more: add() goes on behind them.
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
  std::uint64_t same_ = 0;    ///< bytes of the copy that an earlier life has written, and are yet to come
  std::uint64_t written_ = 0; ///< the size of the copy
  std::uint64_t look_at_ = 0; ///< at the free space, once the copy has this size
  std::uint64_t limit_now_ = 0;
  bool has_gap_ = false;
};

/// Copies all of `from`, which nobody writes to any more.
void copy_rest_of_log(const std::filesystem::path& from, const std::filesystem::path& to, log_limits limits);

} // namespace kiln::output

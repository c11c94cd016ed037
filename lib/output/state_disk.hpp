// SPDX-License-Identifier: Apache-2.0
//
// Free space on the disk of the state directory. A part of it is reserved for the store, so that jobs can be
// changed and removed however large their logs are. Blocks: for the pool.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace kiln::output {

/// Whether the disk of an open file has less free space than the reserve: 8 MiB, or an eighth of a smaller
/// disk. False if unknown.
[[nodiscard]] bool is_low_on_disk(int file) noexcept;

/// Why no attempt should begin; nullopt if there is room for its log.
[[nodiscard]] std::optional<std::string> lack_of_state_disk(const std::filesystem::path& state);

} // namespace kiln::output

// SPDX-License-Identifier: Apache-2.0
#include "domain/failure.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace kiln::domain {
namespace {

using enum failure_kind;
constexpr std::array names{
    std::pair{blend_unreadable, std::string_view{"blend_unreadable"}},
    std::pair{no_camera, std::string_view{"no_camera"}},
    std::pair{engine_unavailable, std::string_view{"engine_unavailable"}},
    std::pair{denoiser_unavailable, std::string_view{"denoiser_unavailable"}},
    std::pair{missing_files, std::string_view{"missing_files"}},
    std::pair{output_unwritable, std::string_view{"output_unwritable"}},
    std::pair{disk_full, std::string_view{"disk_full"}},
    std::pair{out_of_memory, std::string_view{"out_of_memory"}},
    std::pair{crashed, std::string_view{"crashed"}},
    std::pair{killed, std::string_view{"killed"}},
    std::pair{timed_out, std::string_view{"timed_out"}},
    std::pair{stalled, std::string_view{"stalled"}},
    std::pair{frames_missing, std::string_view{"frames_missing"}},
    std::pair{frames_corrupt, std::string_view{"frames_corrupt"}},
    std::pair{movie_output, std::string_view{"movie_output"}},
    std::pair{blender_missing, std::string_view{"blender_missing"}},
    std::pair{invalid_setting, std::string_view{"invalid_setting"}},
    std::pair{internal, std::string_view{"internal"}},
};

} // namespace

std::string_view to_string(failure_kind kind) noexcept {
  const auto* found = std::ranges::find(names, kind, &decltype(names)::value_type::first);
  return found == names.end() ? "internal" : found->second;
}

std::optional<failure_kind> parse_failure_kind(std::string_view name) noexcept {
  const auto* found = std::ranges::find(names, name, &decltype(names)::value_type::second);
  return found == names.end() ? std::nullopt : std::optional{found->first};
}

} // namespace kiln::domain

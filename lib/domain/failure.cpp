// SPDX-License-Identifier: Apache-2.0
#include "domain/failure.hpp"

#include <algorithm>
#include <array>

namespace kiln::domain {
namespace {

using enum failure_kind;

struct row {
  failure_kind kind;
  std::string_view name;
  remedy what_helps;
};

// The only table of kinds. Tests compare docs/api.md, docs/troubleshooting.md and docs/openapi.json with it.
constexpr std::array kinds{
    row{blend_unreadable, "blend_unreadable", remedy::give_up},
    row{no_camera, "no_camera", remedy::give_up},
    row{engine_unavailable, "engine_unavailable", remedy::give_up},
    row{denoiser_unavailable, "denoiser_unavailable", remedy::give_up},
    row{display_unavailable, "display_unavailable", remedy::give_up},
    row{missing_files, "missing_files", remedy::give_up},
    row{output_unwritable, "output_unwritable", remedy::give_up},
    row{disk_full, "disk_full", remedy::wait_for_room},
    row{out_of_memory, "out_of_memory", remedy::try_again},
    row{crashed, "crashed", remedy::try_again},
    row{killed, "killed", remedy::try_again},
    row{timed_out, "timed_out", remedy::give_up},
    row{stalled, "stalled", remedy::try_again},
    row{frames_missing, "frames_missing", remedy::try_again},
    row{frames_corrupt, "frames_corrupt", remedy::try_again},
    row{movie_output, "movie_output", remedy::give_up},
    row{blender_missing, "blender_missing", remedy::give_up},
    row{invalid_setting, "invalid_setting", remedy::give_up},
    row{strict_warning, "strict_warning", remedy::give_up},
    row{internal, "internal", remedy::try_again},
};

} // namespace

remedy remedy_for(failure_kind kind) noexcept {
  const auto* found = std::ranges::find(kinds, kind, &row::kind);
  return found == kinds.end() ? remedy::give_up : found->what_helps;
}

std::string_view to_string(failure_kind kind) noexcept {
  const auto* found = std::ranges::find(kinds, kind, &row::kind);
  return found == kinds.end() ? "internal" : found->name;
}

std::optional<failure_kind> parse_failure_kind(std::string_view name) noexcept {
  const auto* found = std::ranges::find(kinds, name, &row::name);
  return found == kinds.end() ? std::nullopt : std::optional{found->kind};
}

} // namespace kiln::domain

// SPDX-License-Identifier: Apache-2.0
//
// What setup_script.hpp's script prints about the .blend, as one line: pure. It comes through a log that a
// .blend can write to as well, so it explains failures and never proves a success.
#pragma once

#include "domain/failure.hpp"
#include "domain/warning.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kiln::blender {

struct scene_report {
  std::string json;           ///< an object: version, scene, scenes, cameras, frame_start, …
  bool is_sequential = false; ///< a frame depends on those before it, as far as the script can see
  bool is_adaptive =
      false;      ///< Cycles ends a frame once its noise is low, perhaps long before the last sample
  int passes = 1; ///< view layers times eyes that each frame renders, 1 to 1000
  std::optional<domain::failure> failure = {}; ///< why the script ended Blender
  std::vector<domain::warning> warnings = {};  ///< apart from the object

  friend bool operator==(const scene_report&, const scene_report&) = default;
};

/// Nothing unless the line is "kiln: " and a JSON object. A failure of a kind that nobody knows is internal.
[[nodiscard]] std::optional<scene_report> parse_scene_report(std::string_view line);

} // namespace kiln::blender

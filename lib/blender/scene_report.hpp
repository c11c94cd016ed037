// SPDX-License-Identifier: Apache-2.0
//
// The setup script's report about the .blend, printed as one line: pure. A .blend can write to the same log,
// so the report explains failures and never proves success.
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
  bool is_sequential = false; ///< frames depend on earlier ones, as far as the script can see
  bool is_adaptive =
      false;      ///< Cycles ends a frame once its noise is low, perhaps long before the last sample
  int passes = 1; ///< view layers times eyes that each frame renders, 1 to 1000
  std::optional<domain::failure> failure = {}; ///< why the script ended Blender
  std::vector<domain::warning> warnings = {};  ///< apart from the object

  friend bool operator==(const scene_report&, const scene_report&) = default;
};

/// Nullopt unless the line is "kiln: " and a JSON object. A failure of unknown kind becomes internal.
[[nodiscard]] std::optional<scene_report> parse_scene_report(std::string_view line);

} // namespace kiln::blender

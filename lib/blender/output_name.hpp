// SPDX-License-Identifier: Apache-2.0
//
// The name of a file besides a frame: of a File Output node (kiln_outputs.py) or of another view
// (kiln_views.py): NODE--SLOT_0001.EXT, with the suffix of a view after the number where Blender writes a
// file for each. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace kiln::blender {

struct output_name {
  std::string node, slot; ///< as in the .blend, reduced to letters, digits and single hyphens
  int frame = 0;
  std::string view;      ///< the suffix that Blender adds, such as "_L"; empty: none
  std::string extension; ///< one of domain::image_formats: ".png"
};

/// Nullopt for any name that kiln_outputs.py does not give. A name that is parsed is a plain file name: of
/// letters, digits, '-', '_' and '.', beginning with a letter or a digit.
[[nodiscard]] std::optional<output_name> parse_output_name(std::string_view name);

} // namespace kiln::blender

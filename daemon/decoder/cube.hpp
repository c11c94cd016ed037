// SPDX-License-Identifier: Apache-2.0
//
// The colours that a Blender shows for linear ones, as lib/blender/kiln_colours.py writes them: a lattice of
// linear values with what is shown for each, and all others between.
#pragma once

#include "base/error.hpp"
#include "image/image_structure.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace kiln::decoder {

class cube {
public:
  /// corrupt if it is not one: see write_cube() of kiln_colours.py.
  [[nodiscard]] static result<cube> read(image::image_source& file);

  /// Makes of linear colours with straight alpha (RGBA) those that are shown, 0 to 1. Values outside of the
  /// lattice count as its ends, NaN as 0; alpha stays. Tetrahedra between the points, along the logarithms of
  /// their values.
  void show(std::span<float> rgba) const;

private:
  struct place {
    std::size_t below;
    float part; ///< of the way to the next point
  };
  [[nodiscard]] place place_of(float value) const;

  std::size_t count_ = 0; ///< of points along an edge
  std::vector<float> points_, logarithms_;
  std::vector<std::uint16_t> planes_; ///< red, green, blue; red of the lattice grows fastest
};

} // namespace kiln::decoder

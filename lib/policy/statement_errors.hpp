// SPDX-License-Identifier: Apache-2.0
//
// The errors of Blender's statements of a frame's remaining time, learned from the frames of a job: pure, in
// bounded memory.
#pragma once

#include <array>
#include <cstddef>

namespace kiln::policy {

/// The basis of Blender's statement of a frame's remaining time.
enum class statement_kind {
  plain, ///< all pixels get their samples at the same pace
  tiles, ///< one tile after the other, from the middle outwards: the last ones mostly show less
  bound  ///< the frame ends once its noise is low: less is left than is stated
};

class statement_errors {
public:
  static constexpr std::size_t parts = 8; ///< parts of a frame, tracked separately
  /// The part of a frame to which a completed fraction belongs.
  [[nodiscard]] static std::size_t part_of(double fraction) noexcept;

  /// With `fraction` of a frame done, Blender stated `stated` remaining seconds; `real` were needed.
  void note(double fraction, double stated, double real) noexcept;

  /// The logarithm of real over stated seconds with `fraction` of a frame done: mean and standard deviation.
  [[nodiscard]] double mean(double fraction, statement_kind kind) const noexcept;
  [[nodiscard]] double deviation(double fraction, statement_kind kind) const noexcept;

private:
  /// Sums over earlier frames; later ones weigh more.
  struct sums {
    double weight = 0, errors = 0, squares = 0;
  };
  [[nodiscard]] sums near(double fraction) const noexcept;

  std::array<sums, parts> sums_{};
};

} // namespace kiln::policy

// SPDX-License-Identifier: Apache-2.0
//
// How wrong Blender's statements of the time left of a frame are, learnt from the frames of a job: pure, in
// bounded memory.
#pragma once

#include <array>
#include <cstddef>

namespace kiln::policy {

/// By which rule Blender states what is left of a frame.
enum class statement_kind {
  plain, ///< all pixels get their samples at the same pace
  tiles, ///< one tile after the other, from the middle outwards: the last ones mostly show less
  bound  ///< the frame ends once its noise is low: less is left than is stated
};

class statement_errors {
public:
  static constexpr std::size_t parts = 8; ///< of a frame, that are kept apart
  /// The part of a frame to which a fraction belongs that is done.
  [[nodiscard]] static std::size_t part_of(double fraction) noexcept;

  /// When `fraction` of a frame was done, Blender stated that `stated` seconds of it were left: it were
  /// `real` ones.
  void note(double fraction, double stated, double real) noexcept;

  /// The logarithm of the factor by which the real seconds exceed those that are stated when `fraction` of a
  /// frame is done: mean and standard deviation.
  [[nodiscard]] double mean(double fraction, statement_kind kind) const noexcept;
  [[nodiscard]] double deviation(double fraction, statement_kind kind) const noexcept;

private:
  /// Sums over the frames before, the latest ones weigh more.
  struct sums {
    double weight = 0, errors = 0, squares = 0;
  };
  [[nodiscard]] sums near(double fraction) const noexcept;

  std::array<sums, parts> sums_{};
};

} // namespace kiln::policy

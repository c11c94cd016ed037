// SPDX-License-Identifier: Apache-2.0
#include "decoder/cube.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>

namespace kiln::decoder {
namespace {

constexpr std::uint32_t most_points = 128;
static_assert(std::endian::native == std::endian::little, "the file has the lowest byte first");

template<class T>
result<void> fill(image::image_source& from, std::uint64_t offset, std::vector<T>& into) {
  return from.read(offset, std::as_writable_bytes(std::span{into}));
}

} // namespace

result<cube> cube::read(image::image_source& file) {
  const error wrong{errc::corrupt, "this is not a cube of colours"};
  std::vector<std::uint32_t> count(1);
  if (file.size() < sizeof(std::uint32_t) || !fill(file, 0, count) || count[0] < 2 || count[0] > most_points)
    return wrong;
  cube made;
  made.count_ = count[0];
  made.points_.resize(made.count_);
  made.planes_.resize(3 * made.count_ * made.count_ * made.count_);
  const auto planes_at = sizeof(std::uint32_t) + made.count_ * sizeof(float);
  if (file.size() != planes_at + made.planes_.size() * sizeof(std::uint16_t) ||
      !fill(file, sizeof(std::uint32_t), made.points_) || !fill(file, planes_at, made.planes_))
    return wrong;
  const auto is_wrong = [&made](std::size_t i) {
    return !std::isfinite(made.points_[i]) || made.points_[i] <= made.points_[i - 1];
  };
  bool is_ascending = made.points_[0] == 0;
  for (std::size_t i = 1; i < made.count_ && is_ascending; ++i)
    is_ascending = !is_wrong(i);
  if (!is_ascending)
    return wrong;
  for (const float point : made.points_)
    made.logarithms_.push_back(std::log2(point));
  return made;
}

cube::place cube::place_of(float value) const {
  if (!(value > 0))
    return {0, 0};
  const auto last = count_ - 1;
  if (value >= points_[last])
    return {last - 1, 1};
  const auto above = std::upper_bound(points_.begin(), points_.end(), value) - points_.begin();
  const auto below = static_cast<std::size_t>(above) - 1;
  if (below == 0)
    return {0, value / points_[1]};
  return {below, (std::log2(value) - logarithms_[below]) / (logarithms_[below + 1] - logarithms_[below])};
}

void cube::show(std::span<float> rgba) const {
  const std::array<std::size_t, 3> step{1, count_, count_ * count_};
  const auto plane = count_ * count_ * count_;
  for (std::size_t i = 0; i + 3 < rgba.size(); i += 4) {
    std::array<place, 3> places;
    std::size_t corner = 0;
    for (std::size_t c = 0; c < 3; ++c) {
      places[c] = place_of(rgba[i + c]);
      corner += places[c].below * step[c];
    }
    std::array<std::size_t, 3> order{0, 1, 2}; // the longest way first
    std::ranges::sort(order, [&places](auto a, auto b) { return places[a].part > places[b].part; });
    float weight = 1 - places[order[0]].part;
    std::array<float, 3> sum{};
    for (std::size_t k = 0;; ++k) {
      for (std::size_t c = 0; c < 3; ++c)
        sum[c] += weight * static_cast<float>(planes_[c * plane + corner]);
      if (k == 3)
        break;
      corner += step[order[k]];
      weight = places[order[k]].part - (k < 2 ? places[order[k + 1]].part : 0);
    }
    for (std::size_t c = 0; c < 3; ++c)
      rgba[i + c] = sum[c] / 65535;
  }
}

} // namespace kiln::decoder

// SPDX-License-Identifier: Apache-2.0
#include "decoder/picture.hpp"

#include <algorithm>
#include <array>

namespace kiln::decoder {
namespace {

constexpr std::int64_t most_rows = 8; // that become one row of the picture
constexpr float largest = 65504;      // of a half

/// Sums of RGBA. The loops are written so that the compiler makes one instruction of four.
using sum = std::array<float, 4>;

struct float_pixels {
  const float* rgba;

  void add_to(sum& to, std::int64_t count, std::int64_t from) const noexcept {
    const float* at = rgba + from * 4;
    for (std::int64_t i = 0; i < count; ++i, at += 4)
      for (std::size_t c = 0; c < 4; ++c) {
        const float known = at[c] == at[c] ? at[c] : 0; // not NaN
        const float low = known < -largest ? -largest : known;
        to[c] += low > largest ? largest : low;
      }
  }
};

template<int Channels>
struct byte_pixels {
  const byte_row& row;
  std::size_t step;

  void add_to(sum& to, std::int64_t count, std::int64_t from) const noexcept {
    std::uint32_t r = 0, g = 0, b = 0, a = 0; // 65536 pixels of 255 * 255 fit
    const std::uint8_t* at = row.first + static_cast<std::size_t>(from) * step;
    const auto sample = row.sample;
    for (std::int64_t i = 0; i < count; ++i, at += step) {
      const std::uint32_t alpha = Channels == 2 ? at[sample] : Channels == 4 ? at[3 * sample] : 255;
      const std::uint32_t weight = row.is_associated ? 255 : alpha;
      r += at[0] * weight;
      if constexpr (Channels > 2) {
        g += at[sample] * weight;
        b += at[2 * sample] * weight;
      }
      a += alpha;
    }
    to[0] += static_cast<float>(r);
    to[1] += static_cast<float>(Channels > 2 ? g : r);
    to[2] += static_cast<float>(Channels > 2 ? b : r);
    to[3] += static_cast<float>(a);
  }
};

} // namespace

void picture::begin(std::uint64_t width, std::uint64_t height, bool is_linear) {
  if (longest_ <= 0 || width == 0 || height == 0)
    return;
  is_linear_ = is_linear;
  image_width_ = static_cast<std::int64_t>(width);
  image_height_ = static_cast<std::int64_t>(height);
  const auto side = std::max(image_width_, image_height_);
  const auto longest = std::min<std::int64_t>(longest_, side);
  width_ = std::max<std::int64_t>((image_width_ * longest + side / 2) / side, 1);
  height_ = std::max<std::int64_t>((image_height_ * longest + side / 2) / side, 1);
  if (fixed_height_ > 0) {
    width_ = std::min<std::int64_t>(longest_, image_width_);
    height_ = std::min<std::int64_t>(fixed_height_, image_height_);
  }
  row_step_ = std::max<std::int64_t>(image_height_ / height_ / most_rows, 1);
  first_column_.resize(static_cast<std::size_t>(width_) + 1);
  for (std::int64_t column = 0; column <= width_; ++column)
    first_column_[static_cast<std::size_t>(column)] = (column * image_width_ + width_ - 1) / width_;
  const auto samples = static_cast<std::size_t>(width_ * height_) * 4;
  const bool keeps_bytes = !is_linear_ && width_ == image_width_ && height_ == image_height_;
  bytes_.assign(keeps_bytes ? samples : 0, 0);
  sums_.assign(keeps_bytes ? 0 : samples, 0);
}

std::size_t picture::column_of(std::int64_t x) const noexcept {
  return static_cast<std::size_t>(x * width_ / image_width_);
}

std::size_t picture::line_of(std::int64_t y) const noexcept {
  return static_cast<std::size_t>(y * height_ / image_height_);
}

std::int64_t picture::first_row(std::int64_t line) const noexcept {
  return (line * image_height_ + height_ - 1) / height_;
}

bool picture::takes(std::int64_t y) const noexcept {
  if (width_ == 0 || y < 0 || y >= image_height_)
    return false;
  return row_step_ == 1 || (y - first_row(static_cast<std::int64_t>(line_of(y)))) % row_step_ == 0;
}

template<class Row>
void picture::add_run(std::int64_t y, std::int64_t x, std::int64_t count, const Row& row) noexcept {
  const auto end = std::min(x + count, image_width_);
  const auto begin = std::max<std::int64_t>(x, 0);
  if (begin >= end || !takes(y))
    return;
  auto column = column_of(begin);
  float* into = sums_.data() + (line_of(y) * static_cast<std::size_t>(width_) + column) * 4;
  for (auto at = begin; at < end; ++column, into += 4) {
    const auto next = std::min(first_column_[column + 1], end);
    sum of{};
    row.add_to(of, next - at, at - x);
    for (std::size_t c = 0; c < 4; ++c)
      into[c] += of[c];
    at = next;
  }
}

void picture::keep_bytes(std::int64_t y, std::int64_t x, std::int64_t step, std::int64_t count,
                         const byte_row& row) noexcept {
  if (y < 0 || y >= height_)
    return;
  const bool is_grey = row.channels < 3, has_alpha = row.channels == 2 || row.channels > 3;
  const std::size_t green = is_grey ? 0 : row.sample, blue = 2 * green;
  const std::size_t alpha = row.sample * (is_grey ? 1 : 3);
  const auto* from = row.first;
  for (std::int64_t i = 0; i < count; ++i, x += step, from += row.pixel) {
    if (x < 0 || x >= width_)
      continue;
    auto* to =
        bytes_.data() +
        (static_cast<std::size_t>(y) * static_cast<std::size_t>(width_) + static_cast<std::size_t>(x)) * 4;
    to[0] = from[0];
    to[1] = from[green];
    to[2] = from[blue];
    to[3] = has_alpha ? from[alpha] : 255;
    if (row.is_associated && to[3] != 255)
      for (std::size_t c = 0; c < 3; ++c)
        to[c] = to[3] > 0 ? static_cast<std::uint8_t>(std::min((to[c] * 255 + to[3] / 2) / to[3], 255)) : 0;
    if (to[3] == 0)
      to[0] = to[1] = to[2] = 0;
  }
}

void picture::add(std::int64_t y, std::int64_t x, std::int64_t step, std::int64_t count,
                  const byte_row& row) noexcept {
  if (!bytes_.empty())
    return keep_bytes(y, x, step, count, row);
  const auto add_piece = [&](std::int64_t from, std::int64_t pixels, const byte_row& of) {
    if (of.channels >= 4)
      add_run(y, from, pixels, byte_pixels<4>{of, of.pixel});
    else if (of.channels == 3)
      add_run(y, from, pixels, byte_pixels<3>{of, of.pixel});
    else if (of.channels == 2)
      add_run(y, from, pixels, byte_pixels<2>{of, of.pixel});
    else
      add_run(y, from, pixels, byte_pixels<1>{of, of.pixel});
  };
  if (step == 1)
    return add_piece(x, count, row);
  if (!takes(y))
    return;
  auto one = row;
  for (std::int64_t i = 0; i < count; ++i, one.first += row.pixel)
    add_piece(x + i * step, 1, one);
}

void picture::add(std::int64_t y, std::int64_t x, std::int64_t count, const float* rgba) noexcept {
  if (bytes_.empty())
    add_run(y, x, count, float_pixels{rgba});
}

std::vector<float> picture::means() const {
  if (!bytes_.empty()) {
    std::vector<float> shares(bytes_.size());
    std::ranges::transform(bytes_, shares.begin(),
                           [](std::uint8_t byte) { return static_cast<float>(byte) / 255; });
    return shares;
  }
  auto all = sums_;
  float* at = all.data();
  for (std::int64_t line = 0; line < height_; ++line) {
    const auto rows = (first_row(line + 1) - first_row(line) + row_step_ - 1) / row_step_;
    for (std::size_t column = 0; column < static_cast<std::size_t>(width_); ++column, at += 4) {
      const auto pixels = static_cast<float>(rows * (first_column_[column + 1] - first_column_[column]));
      const float of_colour = is_linear_ ? pixels : at[3] * 255;
      for (std::size_t c = 0; c < 3; ++c)
        at[c] = of_colour > 0 ? at[c] / of_colour : 0;
      at[3] /= is_linear_ ? pixels : pixels * 255;
    }
  }
  return all;
}

} // namespace kiln::decoder

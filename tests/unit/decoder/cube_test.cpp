// SPDX-License-Identifier: Apache-2.0
#include "decoder/cube.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <string>

namespace kiln::decoder {
namespace {

class text_source final : public image::image_source {
public:
  explicit text_source(std::string text) : text_(std::move(text)) {}
  [[nodiscard]] std::uint64_t size() const override { return text_.size(); }
  [[nodiscard]] result<void> read(std::uint64_t offset, std::span<std::byte> into) override {
    std::memcpy(into.data(), text_.data() + offset, into.size());
    return {};
  }

private:
  std::string text_;
};

template<class T>
void append(std::string& to, T value) {
  to.append(reinterpret_cast<const char*>(&value), sizeof value);
}

/// A cube that shows each colour by itself alone: for each point, its place along the edge.
std::string straight(const std::vector<float>& points) {
  std::string file;
  const auto count = points.size();
  append(file, static_cast<std::uint32_t>(count));
  for (const float point : points)
    append(file, point);
  for (const std::size_t step : {std::size_t{1}, count, count * count})
    for (std::size_t i = 0; i < count * count * count; ++i)
      append(file, static_cast<std::uint16_t>(65535 * (i / step % count) / (count - 1)));
  return file;
}

result<cube> read(const std::string& file) {
  text_source source{file};
  return cube::read(source);
}

std::vector<float> shown(const cube& by, std::vector<float> rgba) {
  by.show(rgba);
  return rgba;
}

void expect_near(const std::vector<float>& found, const std::vector<float>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i)
    EXPECT_NEAR(found[i], expected[i], 1e-4F) << i;
}

TEST(cube, points_are_shown_exactly_and_others_by_their_logarithms) {
  const auto by = read(straight({0, 1, 4, 16}));
  ASSERT_TRUE(by);
  expect_near(shown(*by, {0, 1, 4, 0.5F}), {0, 1 / 3.F, 2 / 3.F, 0.5F});
  expect_near(shown(*by, {0.5F, 2, 8, 1}), {1 / 6.F, 0.5F, 5 / 6.F, 1});
  expect_near(shown(*by, {16, 0, 1, 0, 1, 16, 0, 1}), {1, 0, 1 / 3.F, 0, 1 / 3.F, 1, 0, 1});
}

TEST(cube, values_outside_count_as_the_ends) {
  const auto by = read(straight({0, 1, 4}));
  ASSERT_TRUE(by);
  constexpr float infinite = std::numeric_limits<float>::infinity();
  expect_near(shown(*by, {-5, 1e30F, std::numeric_limits<float>::quiet_NaN(), 2}), {0, 1, 0, 2});
  expect_near(shown(*by, {infinite, -infinite, 1e-40F, 1}), {1, 0, 0, 1});
}

TEST(cube, what_is_none_is_refused) {
  const auto whole = straight({0, 1, 4});
  ASSERT_TRUE(read(whole));
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(read(whole.substr(0, size))) << size;
  EXPECT_FALSE(read(whole + "x"));
  constexpr float infinite = std::numeric_limits<float>::infinity();
  constexpr float none = std::numeric_limits<float>::quiet_NaN();
  for (const auto& points : {std::vector<float>{1, 2, 3},
                             {0, 2, 2},
                             {0, 2, 1},
                             {0, -1, 1},
                             {0, none, 1},
                             {0, 1, infinite},
                             {none, 1, 2}})
    EXPECT_FALSE(read(straight(points)));
  std::string large;
  append(large, std::uint32_t{1} << 31);
  EXPECT_FALSE(read(large + whole));
}

} // namespace
} // namespace kiln::decoder

// SPDX-License-Identifier: Apache-2.0
#include "decoder/decode.hpp"
#include "decoder/paint.hpp"
#include "image/file_source.hpp"
#include "image/open_image.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <limits>

#include <ImfChannelList.h>
#include <ImfFrameBuffer.h>
#include <ImfHeader.h>
#include <ImfOutputFile.h>
#include <ImfTiledOutputFile.h>
#include <unistd.h>

namespace kiln::decoder {
namespace {

using image::picture_wish;

class picture_test : public testing::Test {
protected:
  picture_test() { std::filesystem::create_directories(directory_); }
  ~picture_test() override { std::filesystem::remove_all(directory_); }

  /// An image of one value in each channel.
  std::filesystem::path write(Imath::Box2i display, Imath::Box2i data, const std::vector<std::string>& names,
                              std::vector<float> values, int tile = 0) {
    const auto path = directory_ / "a.exr";
    Imf::Header header{display, data};
    Imf::FrameBuffer frame;
    std::vector<std::vector<float>>
        rows; // OpenEXR writes no pixel that is at the same place as the one before
    for (const float value : values)
      rows.emplace_back(static_cast<std::size_t>(data.max.x - data.min.x + 1), value);
    for (std::size_t i = 0; i < names.size(); ++i) {
      header.channels().insert(names[i], Imf::Channel{Imf::FLOAT});
      frame.insert(names[i], Imf::Slice{Imf::FLOAT, reinterpret_cast<char*>(rows[i].data() - data.min.x),
                                        sizeof(float), 0});
    }
    if (tile > 0) {
      header.setTileDescription(
          Imf::TileDescription(static_cast<unsigned>(tile), static_cast<unsigned>(tile)));
      Imf::TiledOutputFile out{path.c_str(), header};
      out.setFrameBuffer(frame);
      out.writeTiles(0, out.numXTiles() - 1, 0, out.numYTiles() - 1);
    } else {
      Imf::OutputFile out{path.c_str(), header};
      out.setFrameBuffer(frame);
      out.writePixels(data.max.y - data.min.y + 1);
    }
    return path;
  }

  std::string failure_; ///< of the last draw()
  shown_pixels draw(const std::filesystem::path& path, const picture_wish& wish = {}) {
    const auto file = image::open_image(path);
    auto source = image::file_source::of(file->get());
    picture drawn{wish.longest};
    const auto facts = decode(*source, drawn, wish.layer);
    failure_ = facts ? std::string{} : facts.error().message;
    if (!facts || !drawn.is_begun())
      return {};
    auto shown = show(drawn, wish);
    EXPECT_TRUE(encode_webp(shown, wish));
    return shown;
  }

  static std::vector<int> pixel(const shown_pixels& of, int x, int y) {
    const auto at = of.rgba.begin() + (y * of.width + x) * 4;
    return {at, at + 4};
  }

  std::filesystem::path directory_ =
      std::filesystem::temp_directory_path() / ("picture_test-" + std::to_string(::getpid()));
};

using box = Imath::Box2i;
using at = Imath::V2i;
using pixels = std::vector<int>;

TEST_F(picture_test, bytes_are_averaged_by_their_alpha) {
  picture drawn{1};
  drawn.begin(2, 1, false);
  const std::uint8_t row[] = {255, 0, 0, 255, 0, 255, 0, 0};
  drawn.add(0, 0, 1, 2, {row, 4, 4, 1});
  const auto shown = show(drawn, {});
  EXPECT_EQ(pixel(shown, 0, 0), (pixels{255, 0, 0, 128})) << "a pixel that is not seen gives no colour";
}

TEST_F(picture_test, an_image_that_keeps_its_size_keeps_its_bytes) {
  const std::uint8_t row[] = {10, 20, 30, 255, 40, 50, 60, 51, 70, 80, 90, 0};
  const auto shown_of = [&](int channels, std::size_t pixel, bool is_associated) {
    picture drawn{3};
    drawn.begin(3, 1, false);
    drawn.add(0, 0, 1, 3, {row, channels, pixel, 1, is_associated});
    EXPECT_FALSE(drawn.bytes().empty());
    return show(drawn, {}).rgba;
  };
  using bytes = std::vector<std::uint8_t>;
  EXPECT_EQ(shown_of(4, 4, false), (bytes{10, 20, 30, 255, 40, 50, 60, 51, 0, 0, 0, 0}));
  EXPECT_EQ(shown_of(4, 4, true), (bytes{10, 20, 30, 255, 200, 250, 255, 51, 0, 0, 0, 0}));
  EXPECT_EQ(shown_of(3, 4, false), (bytes{10, 20, 30, 255, 40, 50, 60, 255, 70, 80, 90, 255}));
  EXPECT_EQ(shown_of(1, 4, false), (bytes{10, 10, 10, 255, 40, 40, 40, 255, 70, 70, 70, 255}));
  EXPECT_EQ(shown_of(2, 4, false), (bytes{10, 10, 10, 20, 40, 40, 40, 50, 70, 70, 70, 80}));
  picture beyond{2};
  beyond.begin(2, 2, false);
  for (const int y : {-1, 0, 1, 2})
    beyond.add(y, -1, 1, 3, {row, 4, 4, 1});
  EXPECT_EQ(show(beyond, {}).rgba, (bytes{40, 50, 60, 51, 0, 0, 0, 0, 40, 50, 60, 51, 0, 0, 0, 0}));
}

TEST_F(picture_test, rows_in_any_order_give_the_same) {
  picture one{7}, other{7};
  for (auto* p : {&one, &other})
    p->begin(100, 60, false);
  std::vector<std::uint8_t> row(300);
  for (int i = 0; i < 60; ++i) {
    for (auto [p, y] : {std::pair{&one, i}, std::pair{&other, 59 - i}}) {
      for (std::size_t x = 0; x < row.size(); ++x)
        row[x] = static_cast<std::uint8_t>(x + static_cast<std::size_t>(y) * 3);
      const byte_row whole{row.data(), 3, 3, 1};
      if (p == &one)
        p->add(y, 0, 1, 100, whole);
      for (int piece = 0; p == &other && piece < 100; piece += 25)
        p->add(y, piece, 1, 25, {row.data() + piece * 3, 3, 3, 1});
    }
  }
  EXPECT_EQ(one.means(), other.means());
}

TEST_F(picture_test, values_that_are_no_colours) {
  const box all{at{0, 0}, at{199, 99}};
  const float nan = std::numeric_limits<float>::quiet_NaN(),
              infinite = std::numeric_limits<float>::infinity();
  const auto shown = draw(write(all, all, {"R", "G", "B"}, {nan, infinite, -5}));
  EXPECT_EQ((std::pair{shown.width, shown.height}), (std::pair{160, 80}));
  EXPECT_EQ(pixel(shown, 80, 40), (pixels{0, 255, 0, 255}));
  EXPECT_EQ(pixel(draw(write(all, all, {"R", "G", "B", "A"}, {nan, nan, nan, nan})), 0, 0),
            (pixels{0, 0, 0, 0}));
}

TEST_F(picture_test, linear_colours_are_shown_by_srgb_with_exposure) {
  const box all{at{0, 0}, at{9, 9}};
  const auto file = write(all, all, {"A", "B", "G", "R"}, {0.5F, 0.0F, 0.107F, 0.0F});
  EXPECT_EQ(pixel(draw(file), 0, 0), (pixels{0, 127, 0, 128})) << "0.214 straight";
  picture_wish wish;
  wish.exposure = 1;
  EXPECT_EQ(pixel(draw(file, wish), 0, 0)[1], 175);
  for (const double stops : {1e9, -1e9, 32.0, -32.0}) {
    wish.exposure = stops;
    EXPECT_EQ(pixel(draw(file, wish), 0, 0)[1], stops > 0 ? 255 : 0);
  }
}

TEST_F(picture_test, windows_that_are_cropped_negative_or_beyond_reason) {
  const box display{at{0, 0}, at{99, 99}};
  auto shown = draw(write(display, {at{50, 0}, at{149, 99}}, {"R", "G", "B"}, {1, 1, 1}));
  EXPECT_EQ(pixel(shown, 10, 50), (pixels{0, 0, 0, 0}));
  EXPECT_EQ(pixel(shown, 90, 50), (pixels{255, 255, 255, 255}));
  shown = draw(write({at{-50, -50}, at{49, 49}}, {at{-50, -50}, at{-1, 49}}, {"R", "G", "B"}, {1, 1, 1}));
  EXPECT_EQ(pixel(shown, 10, 50), (pixels{255, 255, 255, 255}));
  EXPECT_EQ(pixel(shown, 90, 50), (pixels{0, 0, 0, 0}));
  shown = draw(write({at{-50, -50}, at{49, 49}}, {at{-90, -60}, at{80, 70}}, {"R", "G", "B"}, {1, 1, 1}, 16));
  EXPECT_EQ(pixel(shown, 99, 99), (pixels{255, 255, 255, 255}));
  shown = draw(write({at{0, 0}, at{1000000, 1000000}}, {at{0, 0}, at{9, 4}}, {"R", "G", "B"}, {1, 1, 1}));
  EXPECT_EQ((std::pair{shown.width, shown.height}), (std::pair{10, 5})) << "of the data";
}

TEST_F(picture_test, a_very_wide_image) {
  const box all{at{0, 0}, at{31999, 1}};
  const auto shown = draw(write(all, all, {"R", "G", "B"}, {1, 0, 1}));
  EXPECT_EQ((std::pair{shown.width, shown.height}), (std::pair{160, 1}));
  EXPECT_EQ(pixel(shown, 159, 0), (pixels{255, 0, 255, 255}));
}

TEST_F(picture_test, layers_by_their_names) {
  const box all{at{0, 0}, at{9, 9}};
  std::vector<std::string> names{"Scene.Combined.R", "Scene.Combined.G", "Scene.Combined.B", "Scene.Depth.V"};
  std::vector<float> values{1, 0, 0, 1};
  for (int i = 0; i < 300; ++i) {
    names.push_back("a" + std::to_string(i) + ".X.R");
    values.push_back(0);
  }
  const auto file = write(all, all, names, values);
  EXPECT_EQ(pixel(draw(file), 0, 0), (pixels{255, 0, 0, 255})) << "what Blender shows";
  for (const auto* name : {"Scene.Depth", "Depth"}) {
    picture_wish wish;
    wish.layer = name;
    EXPECT_EQ(pixel(draw(file, wish), 0, 0), (pixels{255, 255, 255, 255}));
  }
  picture_wish wish;
  wish.layer = "Mist";
  EXPECT_EQ(draw(file, wish).width, 0);
  EXPECT_NE(failure_.find("there is no layer \"Mist\""), std::string::npos);
}

TEST_F(picture_test, every_kind_of_image_has_one) {
  for (const auto& entry : std::filesystem::directory_iterator{KILN_DECODER_IMAGES}) {
    if (entry.path().extension() == ".md")
      continue;
    const auto shown = draw(entry.path());
    EXPECT_GT(shown.width, 0) << entry.path() << failure_;
  }
}

} // namespace
} // namespace kiln::decoder

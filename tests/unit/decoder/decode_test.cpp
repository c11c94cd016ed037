// SPDX-License-Identifier: Apache-2.0
#include "decoder/decode.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include <zlib.h>

namespace kiln::decoder {
namespace {

class memory_source final : public image_source {
public:
  explicit memory_source(std::string_view bytes) : bytes_(bytes) {}
  [[nodiscard]] std::uint64_t size() const override { return bytes_.size(); }
  [[nodiscard]] result<void> read(std::uint64_t offset, std::span<std::byte> into) override {
    if (offset > bytes_.size() || into.size() > bytes_.size() - offset)
      throw std::logic_error("reads past the end");
    std::copy_n(reinterpret_cast<const std::byte*>(bytes_.data()) + offset, into.size(), into.begin());
    return {};
  }

private:
  std::string_view bytes_;
};

result<image_facts> decode_text(std::string_view bytes) {
  memory_source source{bytes};
  auto decoded = decode(source);
  if (!decoded) {
    EXPECT_EQ(decoded.error().code, errc::corrupt);
    EXPECT_FALSE(decoded.error().message.empty());
  }
  return decoded;
}

std::string load(const std::filesystem::path& name) {
  std::ifstream in{std::filesystem::path{KILN_DECODER_IMAGES} / name, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

std::vector<std::filesystem::path> all_images() {
  std::vector<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::directory_iterator{KILN_DECODER_IMAGES})
    if (entry.path().extension() != ".md")
      found.push_back(entry.path().filename());
  std::ranges::sort(found);
  return found;
}

std::string big_endian(std::uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8),
          static_cast<char>(value)};
}

std::string png_chunk(const std::string& name, const std::string& data) {
  const auto checked = name + data;
  const auto crc =
      ::crc32(0, reinterpret_cast<const Bytef*>(checked.data()), static_cast<uInt>(checked.size()));
  return big_endian(static_cast<std::uint32_t>(data.size())) + checked +
         big_endian(static_cast<std::uint32_t>(crc));
}

/// 8 bits of gray; the rows (each with its filter byte) as they are.
std::string png(std::uint32_t width, std::uint32_t height, const std::string& rows) {
  std::string packed(::compressBound(rows.size()), '\0');
  uLongf size = packed.size();
  EXPECT_EQ(::compress(reinterpret_cast<Bytef*>(packed.data()), &size,
                       reinterpret_cast<const Bytef*>(rows.data()), rows.size()),
            Z_OK);
  packed.resize(size);
  return "\x89PNG\r\n\x1a\n" +
         png_chunk("IHDR", big_endian(width) + big_endian(height) + std::string{"\x08\0\0\0\0", 5}) +
         png_chunk("IDAT", packed) + png_chunk("IEND", "");
}

struct expectation {
  const char* file;
  image_facts facts;
};

TEST(decode, says_what_each_image_is) {
  const std::vector<expectation> table{
      {"small.png", {"PNG", 32, 32, 3, "uint8", {}}},
      {"rgb16.png", {"PNG", 32, 32, 3, "uint16", {}}},
      {"palette.png", {"PNG", 20, 20, 3, "uint8", {}}},
      {"interlaced.png", {"PNG", 19, 19, 4, "uint8", {}}},
      {"small.jpg", {"JPEG", 32, 32, 3, "uint8", {}}},
      {"progressive.jpg", {"JPEG", 32, 32, 3, "uint8", {}}},
      {"gray.jpg", {"JPEG", 32, 32, 1, "uint8", {}}},
      {"small.exr", {"OpenEXR", 32, 32, 3, "float", {}}},
      {"dwaa.exr", {"OpenEXR", 32, 32, 3, "half", {}}},
      {"piz.exr", {"OpenEXR", 32, 32, 3, "float", {}}},
      {"tiled.exr", {"OpenEXR", 32, 32, 3, "float", {}}},
      {"mip.exr", {"OpenEXR", 32, 32, 3, "float", {}}},
      {"parts.exr", {"OpenEXR", 32, 32, 6, "float", {"one", "two"}}},
      {"layers.exr", {"OpenEXR", 32, 32, 3, "float", {"View.Combined"}}},
      {"deflate.tif", {"TIFF", 32, 32, 3, "uint8", {}}},
      {"tiled.tif", {"TIFF", 32, 32, 3, "uint8", {}}},
      {"plain16.tif", {"TIFF", 32, 32, 3, "uint16", {}}},
      {"float.tif", {"TIFF", 32, 32, 3, "float", {}}},
      {"pages.tif", {"TIFF", 32, 32, 3, "uint8", {}}},
      {"lossy.webp", {"WebP", 32, 32, 3, "uint8", {}}},
      {"lossless.webp", {"WebP", 32, 32, 3, "uint8", {}}},
      {"alpha.webp", {"WebP", 32, 32, 4, "uint8", {}}},
  };
  EXPECT_EQ(table.size(), all_images().size());
  for (const auto& [file, facts] : table) {
    const auto decoded = decode_text(load(file));
    ASSERT_TRUE(decoded) << file << ": " << decoded.error().message;
    EXPECT_EQ(*decoded, facts) << file << ' ' << decoded->type << ' ' << decoded->channels << ' '
                               << (decoded->layers.empty() ? "" : decoded->layers[0]);
  }
}

TEST(decode, an_image_that_was_cut_anywhere_is_broken) {
  for (const auto& name : all_images()) {
    const auto whole = load(name);
    for (std::size_t i = 0; i < 120; ++i) {
      const auto cut = i < 60 ? whole.size() * i / 60 : whole.size() - (i - 59);
      EXPECT_FALSE(decode_text(std::string_view{whole}.substr(0, cut))) << name << " cut at " << cut;
    }
  }
}

TEST(decode, nothing_may_follow) {
  for (const auto& name : all_images()) {
    if (name.extension() == ".tif") // which has no end
      continue;
    EXPECT_FALSE(decode_text(load(name) + 'x')) << name;
  }
}

TEST(decode, each_bit_of_a_png_matters) {
  for (const char* name : {"small.png", "interlaced.png", "palette.png"}) {
    auto bytes = load(name);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      bytes[i] = static_cast<char>(bytes[i] ^ (1 << i % 8));
      EXPECT_FALSE(decode_text(bytes)) << name << ' ' << i;
      bytes[i] = static_cast<char>(bytes[i] ^ (1 << i % 8));
    }
  }
}

TEST(decode, broken_bytes_do_no_harm) {
  std::mt19937 random{1};
  for (const auto& name : all_images()) {
    const auto whole = load(name);
    for (int round = 0; round < 100; ++round) {
      auto bytes = whole;
      for (int i = 0; i <= round % 8; ++i)
        bytes[random() % bytes.size()] = static_cast<char>(random());
      (void)decode_text(bytes);
    }
    // The magic number of each, and then anything.
    for (int round = 0; round < 20; ++round) {
      auto bytes = whole.substr(0, 12);
      for (int i = 0; i < 2000; ++i)
        bytes += static_cast<char>(random());
      EXPECT_FALSE(decode_text(bytes)) << name;
    }
  }
}

TEST(decode, what_is_no_image) {
  EXPECT_EQ(decode_text("").error().message, "the file is empty");
  for (std::string_view text : {"x", "BLENDER-v300", "RIFF1234WAVE", "<svg/>", "GIF89a"})
    EXPECT_EQ(decode_text(text).error().message, "neither PNG, JPEG, OpenEXR, TIFF nor WebP");
}

TEST(decode, pixels_that_the_checksums_do_not_guard) {
  const std::string rows(10 * 11, '\0'); // of 10 x 10 pixels
  EXPECT_TRUE(decode_text(png(10, 10, rows)));
  EXPECT_FALSE(decode_text(png(10, 10, rows.substr(1)))) << "too few";
  EXPECT_FALSE(decode_text(png(10, 10, rows + '\0'))) << "too many";
  EXPECT_FALSE(decode_text(png(10, 10, std::string(10 * 11, '\x07')))) << "no such filter";
}

TEST(decode, absurd_dimensions_are_refused_before_memory_is_taken) {
  EXPECT_EQ(decode_text(png(65537, 1, "")).error().message,
            "PNG: 65537 x 1 pixels are too many: 65536 a side is the limit");
  EXPECT_FALSE(decode_text(png(0x7fffffff, 0x7fffffff, "")));
  auto jpeg = load("progressive.jpg");
  const auto frame = jpeg.find("\xff\xc2"); // length, precision, then height and width
  ASSERT_NE(frame, std::string::npos);
  jpeg.replace(frame + 5, 4, "\xff\xdc\xff\xdc"); // 65500: the library's own limit
  EXPECT_NE(decode_text(jpeg).error().message.find("1 GiB is the limit"), std::string::npos);
  auto exr = load("small.exr");
  const auto window = exr.find("dataWindow") + 11 + 6 + 4; // name, type, size, then 4 numbers
  exr.replace(window + 8, 4, std::string{"\xff\xff\xff\x3f", 4});
  EXPECT_FALSE(decode_text(exr));
}

} // namespace
} // namespace kiln::decoder

// SPDX-License-Identifier: Apache-2.0
#include "image/exr_structure.hpp"
#include "image/image_structure.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <random>
#include <string>

namespace kiln::image {
namespace {

class text_source final : public image_source {
public:
  explicit text_source(std::string bytes) : bytes_(std::move(bytes)) {}
  [[nodiscard]] std::uint64_t size() const override { return bytes_.size(); }
  [[nodiscard]] result<void> read(std::uint64_t offset, std::span<std::byte> into) override {
    if (offset + into.size() > bytes_.size())
      throw std::out_of_range("read past the end");
    std::copy_n(reinterpret_cast<const std::byte*>(bytes_.data()) + offset, into.size(), into.begin());
    return {};
  }

private:
  std::string bytes_;
};

std::string rendered(const std::string& extension) {
  std::ifstream in{KILN_IMAGES "/small." + extension, std::ios::binary};
  std::string bytes{std::istreambuf_iterator<char>{in}, {}};
  EXPECT_FALSE(bytes.empty());
  return bytes;
}

std::string why(const std::string& bytes) {
  text_source source{bytes};
  const auto checked = check_image_structure(source);
  if (checked)
    return {};
  EXPECT_EQ(checked.error().code, errc::corrupt);
  return checked.error().message;
}

class image_structure : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(formats, image_structure, testing::Values("png", "jpg", "exr"),
                         [](const auto& format) { return std::string{format.param}; });

TEST_P(image_structure, what_blender_wrote_is_whole) {
  EXPECT_EQ(why(rendered(GetParam())), "");
}

TEST_P(image_structure, a_file_cut_anywhere_is_refused) {
  const auto whole = rendered(GetParam());
  for (std::size_t size = 0; size < whole.size(); ++size)
    ASSERT_NE(why(whole.substr(0, size)), "") << size;
}

/// A save that was killed on a file system that allocates in blocks. (The pixels of OpenEXR have no checksum:
/// only decoding would tell.)
TEST(image_structure_test, a_file_cut_and_filled_with_zeros_is_refused) {
  for (const char* format : {"png", "jpg"}) {
    const auto whole = rendered(format);
    for (std::size_t size = 0; size + 16 < whole.size(); size += 7)
      ASSERT_NE(why(whole.substr(0, size) + std::string(whole.size() - size, '\0')), "") << format << size;
  }
}

TEST_P(image_structure, what_follows_the_end_is_refused) {
  const auto whole = rendered(GetParam());
  EXPECT_NE(why(whole + '\0'), "");
  EXPECT_NE(why(whole + whole), "");
}

TEST_P(image_structure, broken_bytes_do_no_harm) {
  const auto whole = rendered(GetParam());
  std::mt19937 random{7};
  for (int round = 0; round < 3000; ++round) {
    auto bytes = whole;
    for (int i = 0; i < 4; ++i)
      bytes[random() % std::min<std::size_t>(bytes.size(), round % 2 ? 400 : bytes.size())] =
          static_cast<char>(random());
    (void)why(bytes); // under the sanitizers, too
  }
}

TEST(png_structure, every_changed_byte_is_found) {
  const auto whole = rendered("png");
  for (std::size_t at = 0; at < whole.size(); ++at) {
    auto bytes = whole;
    bytes[at] = static_cast<char>(bytes[at] ^ 0x20);
    ASSERT_NE(why(bytes), "") << at;
  }
}

TEST(exr_structure, a_hole_in_the_offset_table_is_found) {
  // What Blender leaves when the disk is full: a header, and offsets of zero.
  const auto whole = rendered("exr");
  for (std::size_t at = 0; at + 8 < whole.size(); ++at) {
    std::uint64_t offset = 0;
    std::copy_n(whole.data() + at, 8, reinterpret_cast<char*>(&offset));
    if (offset < at || offset > at + 400 || offset % 256 == 0)
      continue;
    auto bytes = whole;
    std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), 8, '\0');
    EXPECT_NE(why(bytes).find("not finished"), std::string::npos) << why(bytes);
    return;
  }
  FAIL() << "no offset table found";
}

/// An OpenEXR header with one attribute of four bytes.
std::string exr_header(std::string_view type, std::string_view value) {
  std::string exr{"\x76\x2f\x31\x01\x02\0\0\0", 8};
  exr.append("a").append(1, '\0').append(type).append(1, '\0');
  exr.append(1, static_cast<char>(value.size())).append(3, '\0').append(value);
  return exr + '\0';
}

bool attributes_fit(std::string bytes) {
  text_source source{std::move(bytes)};
  return check_exr_attributes(source).has_value();
}

TEST(exr_structure, an_attribute_has_the_size_of_its_type) {
  using namespace std::string_literals;
  // A reader by type and a reader by size would see different attributes behind.
  for (const auto& [type, value] : {std::pair{"int"s, "\1\0"s},
                                    {"v3f"s, "\1\0\0\0"s},
                                    {"chlist"s, "R\0\1\0\0\0"s},
                                    {"chlist"s, "R\0"s + std::string(16, '\1')},
                                    {"preview"s, "\1\0\0\0\1\0\0\0"s},
                                    {"preview"s, "\xff\xff\xff\xff\xff\xff\xff\xff\4"s},
                                    {"stringvector"s, "\x09\0\0\0x"s}})
    EXPECT_FALSE(attributes_fit(exr_header(type, value))) << type;
  for (const auto& [type, value] : {std::pair{"int"s, "\1\0\0\0"s},
                                    {"chlist"s, "R\0"s + std::string(16, '\1') + "\0"s},
                                    {"preview"s, "\1\0\0\0\1\0\0\0abcd"s},
                                    {"stringvector"s, "\1\0\0\0x"s},
                                    {"of_its_own"s, "xyz"s}})
    EXPECT_TRUE(attributes_fit(exr_header(type, value))) << type;
}

TEST(image_structure_test, what_is_no_image_is_said) {
  EXPECT_NE(why("").find("empty"), std::string::npos);
  for (const auto& bytes :
       {std::string{"x"}, std::string{"GIF89a"}, std::string(100, '\0'), std::string{"BLENDER-v304"}})
    EXPECT_NE(why(bytes).find("neither PNG"), std::string::npos);
}

TEST(image_structure_test, huge_announcements_are_refused) {
  const std::string png = "\x89PNG\r\n\x1a\n";
  EXPECT_NE(why(png + "\xff\xff\xff\xff"
                      "IHDR"),
            "");
  EXPECT_NE(why(png + std::string{"\0\0\0\x0dIHDR", 8}), "");
  EXPECT_NE(why("\xff\xd8\xff\xe0\xff\xff"), "");
  std::string exr{"\x76\x2f\x31\x01\x02\0\0\0", 8};
  exr += std::string{"chunkCount\0int\0\x04\0\0\0\xff\xff\xff\xff\0", 24};
  EXPECT_NE(why(exr).find("too many"), std::string::npos) << why(exr);
}

} // namespace
} // namespace kiln::image

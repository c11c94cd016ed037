// SPDX-License-Identifier: Apache-2.0
#include "image/open_image.hpp"
#include "image/structural_image_check.hpp"
#include "support/loop.hpp"
#include "support/temp_directory.hpp"

#include <sys/stat.h>

namespace kiln::image {
namespace {

class structural_image_check_test : public tests::loop_test {
protected:
  result<image_facts> check(const std::filesystem::path& file) {
    const auto opened = open_image(file);
    if (!opened)
      return opened.error();
    result<image_facts> checked;
    run([&]() -> aio::task<> { checked = co_await images_.check(opened->get()); });
    return checked;
  }

  aio::blocking_pool pool_{1};
  structural_image_check images_{pool_};
  tests::temp_directory dir_;
};

TEST_F(structural_image_check_test, whole_images_pass) {
  for (const char* name : {"small.png", "small.jpg", "small.exr"})
    EXPECT_TRUE(check(std::filesystem::path{KILN_IMAGES} / name)) << name;
}

TEST_F(structural_image_check_test, only_files_are_read) {
  const auto fifo = dir_ / "fifo.png";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_EQ(check(fifo).error().code, errc::corrupt);
  EXPECT_EQ(check(dir_.path()).error().code, errc::corrupt);
  std::filesystem::create_symlink(KILN_IMAGES "/small.png", dir_ / "link.png");
  EXPECT_EQ(check(dir_ / "link.png").error().code, boost::system::errc::too_many_symbolic_link_levels);
  EXPECT_EQ(check(dir_ / "nowhere.png").error().code, boost::system::errc::no_such_file_or_directory);
  EXPECT_EQ(check(dir_.write("empty.png", "")).error().code, errc::corrupt);
}

} // namespace
} // namespace kiln::image

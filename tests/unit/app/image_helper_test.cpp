// SPDX-License-Identifier: Apache-2.0
// image::helper_image_check with the real kiln-image.
#include "app/image_helper.hpp"
#include "process/child.hpp"
#include "support/loop.hpp"
#include "support/temp_directory.hpp"

#include <array>

#include <sys/wait.h>
#include <zlib.h>

namespace kiln::app {
namespace {

using namespace std::chrono_literals;

const std::filesystem::path images_dir{KILN_DECODER_IMAGES};

class image_helper_test : public tests::loop_test {
protected:
  static void SetUpTestSuite() { process::become_subreaper(); }
  void TearDown() override {
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a child is left, dead or alive";
  }

  image::helper_image_check make(std::filesystem::path program = KILN_IMAGE_PROGRAM,
                                 std::chrono::milliseconds limit = 10min) {
    return {executor(), pool_, image_helper_starter(executor(), std::move(program), dir_ / "log"), limit};
  }

  /// A PNG of 60000 x 60000 gray pixels in a few MB, in IDAT chunks of 1 MB of zeros each: takes long.
  std::filesystem::path write_bomb() {
    const auto number = [](std::uint32_t v) {
      return std::string{static_cast<char>(v >> 24), static_cast<char>(v >> 16), static_cast<char>(v >> 8),
                         static_cast<char>(v)};
    };
    const auto chunk = [&](const std::string& name, const std::string& data) {
      const auto all = name + data;
      const auto crc = ::crc32(0, reinterpret_cast<const Bytef*>(all.data()), static_cast<uInt>(all.size()));
      return number(static_cast<std::uint32_t>(data.size())) + all + number(static_cast<std::uint32_t>(crc));
    };
    constexpr std::uint32_t side = 60000;
    z_stream packer{};
    EXPECT_EQ(::deflateInit(&packer, 1), Z_OK);
    std::string row(side + 1, '\0');
    std::string packed;
    std::array<char, 65536> piece{};
    for (std::uint32_t y = 0; y < side; ++y) {
      packer.next_in = reinterpret_cast<Bytef*>(row.data());
      packer.avail_in = static_cast<uInt>(row.size());
      do {
        packer.next_out = reinterpret_cast<Bytef*>(piece.data());
        packer.avail_out = static_cast<uInt>(piece.size());
        ::deflate(&packer, y + 1 == side ? Z_FINISH : Z_NO_FLUSH);
        packed.append(piece.data(), piece.size() - packer.avail_out);
      } while (packer.avail_out == 0);
    }
    ::deflateEnd(&packer);
    return dir_.write("bomb.png",
                      "\x89PNG\r\n\x1a\n" +
                          chunk("IHDR", number(side) + number(side) + std::string{"\x08\0\0\0\0", 5}) +
                          chunk("IDAT", packed) + chunk("IEND", ""));
  }

  aio::blocking_pool pool_{1};
  tests::temp_directory dir_;
};

TEST_F(image_helper_test, every_format_is_decoded_and_what_was_cut_is_refused) {
  auto images = make();
  run(
      [&]() -> aio::task<> {
        int seen = 0;
        for (const auto& entry : std::filesystem::directory_iterator{images_dir}) {
          if (entry.path().extension() == ".md")
            continue;
          ++seen;
          const auto whole = co_await images.check(entry.path());
          EXPECT_TRUE(whole) << entry.path() << ' ' << (whole ? "" : whole.error().message);
          const auto cut = dir_ / "cut";
          std::filesystem::copy_file(entry.path(), cut, std::filesystem::copy_options::overwrite_existing);
          std::filesystem::resize_file(cut, std::filesystem::file_size(cut) - 30);
          EXPECT_EQ((co_await images.check(cut)).error().code, errc::corrupt) << entry.path();
        }
        EXPECT_EQ(seen, 22);
        EXPECT_EQ((co_await images.check(dir_.write("empty", ""))).error().message, "the file is empty");
        co_await images.close();
      },
      120s);
  EXPECT_EQ(dir_.read("log"), "");
}

TEST_F(image_helper_test, an_image_that_takes_too_long_costs_only_itself) {
  const auto bomb = write_bomb();
  auto images = make(KILN_IMAGE_PROGRAM, 2s);
  run(
      [&]() -> aio::task<> {
        EXPECT_EQ((co_await images.check(bomb)).error().message, "took longer than 2000 ms to decode");
        EXPECT_TRUE(co_await images.check(images_dir / "small.png"));
        co_await images.close();
      },
      120s);
}

TEST_F(image_helper_test, a_decoder_that_is_killed_at_an_image_is_replaced) {
  const auto bomb = write_bomb();
  image::decoder_process* last = nullptr;
  const auto start = image_helper_starter(executor(), KILN_IMAGE_PROGRAM, dir_ / "log");
  image::helper_image_check images{executor(), pool_,
                                   [&](int socket) {
                                     auto started = start(socket);
                                     last = started ? started->get() : nullptr;
                                     return started;
                                   },
                                   10min};
  const auto kill_soon = [&]() -> aio::task<> {
    aio::timer t{executor(), 300ms}; // the image takes far longer
    co_await t.async_wait(aio::use_task);
    last->kill();
  };
  run(
      [&]() -> aio::task<> {
        EXPECT_TRUE(co_await images.check(images_dir / "small.png"));
        aio::task_group group{executor(), [](std::exception_ptr) { ADD_FAILURE(); }};
        group.spawn(kill_soon());
        EXPECT_EQ((co_await images.check(bomb)).error(),
                  (error{errc::corrupt, "the decoder died of SIGKILL at this image"}));
        co_await group.join();
        EXPECT_TRUE(co_await images.check(images_dir / "small.exr"));
        co_await images.close();
      },
      120s);
}

TEST_F(image_helper_test, a_program_that_is_missing_or_another_is_no_fault_of_the_image) {
  for (const char* program : {"/nowhere/kiln-image", "/bin/true", "/bin/cat"}) {
    auto images = make(program, 1s);
    run([&]() -> aio::task<> {
      const auto facts = co_await images.check(images_dir / "small.png");
      EXPECT_EQ(facts.error().code, errc::unavailable) << program;
      co_await images.close();
    });
  }
}

} // namespace
} // namespace kiln::app

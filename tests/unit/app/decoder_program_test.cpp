// SPDX-License-Identifier: Apache-2.0
// image::decoding_image_check with the real kiln-image.
#include "app/decoder_program.hpp"
#include "image/open_image.hpp"
#include "process/child.hpp"
#include "support/loop.hpp"
#include "support/temp_directory.hpp"

#include <csignal>
#include <fstream>

#include <sys/wait.h>
#include <zlib.h>

namespace kiln::app {
namespace {

using namespace std::chrono_literals;

const std::filesystem::path images_dir{KILN_DECODER_IMAGES};

class decoder_program_test : public tests::loop_test {
protected:
  static void SetUpTestSuite() { process::become_subreaper(); }
  void TearDown() override {
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a child is left, dead or alive";
  }

  image::decoding_image_check make(std::filesystem::path program = KILN_IMAGE_PROGRAM,
                                   std::chrono::milliseconds limit = 10min) {
    return {executor(), decoder_starter(executor(), std::move(program), dir_ / "log"), limit};
  }

  /// A PNG of 60000 x 60000 black pixels of 64 bits: 30 MB that become 29 GB.
  std::filesystem::path write_bomb() {
    const auto number = [](std::uint64_t v) {
      return std::string{static_cast<char>(v >> 24), static_cast<char>(v >> 16), static_cast<char>(v >> 8),
                         static_cast<char>(v)};
    };
    const auto chunk = [&](const std::string& name, const std::string& data) {
      const auto all = name + data;
      const auto crc = ::crc32(0, reinterpret_cast<const Bytef*>(all.data()), static_cast<uInt>(all.size()));
      return number(data.size()) + all + number(crc);
    };
    constexpr std::uint64_t side = 60000;
    // One row, packed so that it can be repeated.
    std::string row(side * 8 + 1, '\0');
    std::string packed_row(row.size(), '\0');
    z_stream packer{};
    EXPECT_EQ(::deflateInit2(&packer, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
    packer.next_in = reinterpret_cast<Bytef*>(row.data());
    packer.avail_in = static_cast<uInt>(row.size());
    packer.next_out = reinterpret_cast<Bytef*>(packed_row.data());
    packer.avail_out = static_cast<uInt>(packed_row.size());
    EXPECT_EQ(::deflate(&packer, Z_FULL_FLUSH), Z_OK);
    packed_row.erase(packer.total_out);
    ::deflateEnd(&packer);
    std::string data = "\x78\x9c";
    for (std::uint64_t y = 0; y < side; ++y)
      data += packed_row;
    data += std::string{"\x03\0", 2} + number(row.size() * side % 65521 << 16 | 1); // Adler-32 of zeros
    const std::string kind{"\x10\x06\0\0\0", 5};
    return dir_.write("bomb.png", "\x89PNG\r\n\x1a\n" + chunk("IHDR", number(side) + number(side) + kind) +
                                      chunk("IDAT", data) + chunk("IEND", ""));
  }

  /// Stays open until the test is over.
  int open(const std::filesystem::path& file) {
    opened_.push_back(*image::open_image(file));
    return opened_.back().get();
  }

  tests::temp_directory dir_;
  std::vector<aio::unique_descriptor> opened_;
};

TEST_F(decoder_program_test, every_format_is_decoded_and_what_was_cut_is_refused) {
  auto images = make();
  run(
      [&]() -> aio::task<> {
        int seen = 0;
        for (const auto& entry : std::filesystem::directory_iterator{images_dir}) {
          if (entry.path().extension() == ".md")
            continue;
          ++seen;
          const auto whole = co_await images.check(open(entry.path()));
          EXPECT_TRUE(whole) << entry.path() << ' ' << (whole ? "" : whole.error().message);
          const auto cut = dir_ / "cut";
          std::filesystem::copy_file(entry.path(), cut, std::filesystem::copy_options::overwrite_existing);
          std::filesystem::resize_file(cut, std::filesystem::file_size(cut) - 30);
          EXPECT_EQ((co_await images.check(open(cut))).error().code, errc::corrupt) << entry.path();
        }
        EXPECT_EQ(seen, 22);
        EXPECT_EQ((co_await images.check(open(dir_.write("empty", "")))).error().message,
                  "the file is empty");
        co_await images.close();
      },
      120s);
  EXPECT_EQ(dir_.read("log"), "");
}

TEST_F(decoder_program_test, an_image_that_takes_too_long_costs_only_itself) {
  const auto bomb = write_bomb();
  auto images = make(KILN_IMAGE_PROGRAM, 1s);
  run(
      [&]() -> aio::task<> {
        EXPECT_EQ((co_await images.check(open(bomb))).error().message, "took longer than 1000 ms to decode");
        EXPECT_TRUE(co_await images.check(open(images_dir / "small.png")));
        co_await images.close();
      },
      120s);
}

TEST_F(decoder_program_test, a_decoder_that_is_killed_at_an_image_is_replaced) {
  const auto bomb = write_bomb();
  auto images = make();
  const auto kill_soon = [&]() -> aio::task<> {
    aio::timer t{executor(), 300ms}; // the image takes far longer
    co_await t.async_wait(aio::use_task);
    pid_t decoder = 0;
    std::ifstream{"/proc/thread-self/children"} >> decoder;
    EXPECT_GT(decoder, 0);
    if (decoder > 0)
      ::kill(decoder, SIGKILL);
  };
  run(
      [&]() -> aio::task<> {
        EXPECT_TRUE(co_await images.check(open(images_dir / "small.png")));
        aio::task_group group{executor(), [](std::exception_ptr) { ADD_FAILURE(); }};
        group.spawn(kill_soon());
        EXPECT_EQ((co_await images.check(open(bomb))).error(),
                  (error{errc::corrupt, "the decoder died of SIGKILL at this image"}));
        co_await group.join();
        EXPECT_TRUE(co_await images.check(open(images_dir / "small.exr")));
        co_await images.close();
      },
      120s);
}

TEST_F(decoder_program_test, a_program_that_is_missing_or_another_is_no_fault_of_the_image) {
  for (const char* program : {"/nowhere/kiln-image", "/bin/true", "/bin/cat"}) {
    auto images = make(program, 1s);
    run([&]() -> aio::task<> {
      const auto facts = co_await images.check(open(images_dir / "small.png"));
      EXPECT_EQ(facts.error().code, errc::unavailable) << program;
      co_await images.close();
    });
  }
}

} // namespace
} // namespace kiln::app

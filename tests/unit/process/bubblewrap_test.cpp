// SPDX-License-Identifier: Apache-2.0
#include "process/bubblewrap.hpp"

#include <gmock/gmock.h>

#include <csignal>
#include <string>

namespace kiln::process {
namespace {

TEST(bubblewrap, deeper_places_cover_the_others) {
  const auto words = format_wrapper(
      "/usr/bin/bwrap", {.read = {"/p/in/out", "/p"}, .write = {"/p/in/out/w"}, .hidden = {"/p/in"}},
      {"/p/key"}, false);
  std::string line;
  for (const auto& word : words)
    line += word + ' ';
  EXPECT_THAT(line, testing::HasSubstr("--ro-bind-try /p /p --tmpfs /p/in --ro-bind /dev/null /p/key "
                                       "--ro-bind-try /p/in/out /p/in/out --bind "
                                       "/p/in/out/w /p/in/out/w "));
  EXPECT_THAT(words, testing::Contains("--unshare-net"));
  EXPECT_THAT(words, testing::Not(testing::Contains("--die-with-parent"))) << "Blender outlives kilnd";
}

TEST(bubblewrap, what_is_shown_already_is_not_mounted_again) {
  const auto words = format_wrapper("/usr/bin/bwrap",
                                    {.read = {"/u", "/u/lib", "/u", "/p/in/out", "/p", "/p/in/out/a", "/un"},
                                     .write = {"/p/w"},
                                     .devices = {"/dev/null", "/dev/dri"},
                                     .hidden = {"/p/in"}},
                                    {}, false);
  std::string line;
  for (const auto& word : words)
    line += word + ' ';
  EXPECT_THAT(line, testing::HasSubstr("--proc /proc --dev /dev --ro-bind-try /u /u --ro-bind-try /p /p "
                                       "--ro-bind-try /un /un --tmpfs /p/in --dev-bind-try /dev/dri /dev/dri "
                                       "--bind /p/w /p/w --ro-bind-try /p/in/out /p/in/out --remount-ro "));
}

TEST(bubblewrap, signals_come_as_128_and_more) {
  EXPECT_EQ(signal_of_status(139), SIGSEGV);
  EXPECT_EQ(signal_of_status(137), SIGKILL);
  for (const int status : {0, 1, 97, 128, 255})
    EXPECT_EQ(signal_of_status(status), 0) << status;
}

} // namespace
} // namespace kiln::process

// SPDX-License-Identifier: Apache-2.0
#include "client/exit_status.hpp"
#include "client/undertaking.hpp"
#include "client/whole_file.hpp"
#include "support/temp_directory.hpp"

#include <gtest/gtest.h>

namespace kiln::client {
namespace {

TEST(undertaking, is_read_as_it_was_written) {
  const tests::temp_directory here;
  const auto file = here.path() / "a/.kiln.json";
  EXPECT_FALSE(*read_undertaking(file));
  const undertaking one{.url = "http://h", .command = "c\"", .key = make_key(), .job = "j1"};
  ASSERT_TRUE(write_undertaking(file, one));
  EXPECT_EQ(**read_undertaking(file), one);
  EXPECT_NE(make_key(), make_key());
}

TEST(undertaking, another_file_is_not_overwritten) {
  const tests::temp_directory here;
  for (const char* text : {"", "{}", "[]", R"({"url":"h","command":"c","key":3,"job":""})"}) {
    ASSERT_TRUE(write_whole(here.path() / "x", text));
    const auto read = read_undertaking(here.path() / "x");
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(status_of(read.error()), exit_status::usage);
  }
  EXPECT_FALSE(write_whole("/proc/nowhere/x", ""));
}

} // namespace
} // namespace kiln::client

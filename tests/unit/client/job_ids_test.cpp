// SPDX-License-Identifier: Apache-2.0
#include "client/exit_status.hpp"
#include "client/job_ids.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace kiln::client {
namespace {

TEST(job_ids, a_unique_beginning_is_enough) {
  const std::vector<std::string> ids{"j06h0nhrgvkx9ez8bgq", "j06h0nhrgvkx9ez8bgr", "j07"};
  EXPECT_EQ(*choose_id("j07", ids), "j07");
  EXPECT_EQ(*choose_id("j06h0nhrgvkx9ez8bgr", ids), ids[1]);
  const auto several = choose_id("j06", ids);
  ASSERT_FALSE(several);
  EXPECT_EQ(status_of(several.error()), exit_status::usage);
  EXPECT_NE(several.error().message.find("2 jobs"), std::string::npos);
  EXPECT_NE(several.error().message.find(ids[1]), std::string::npos);
  EXPECT_FALSE(choose_id("j1", ids));
  EXPECT_FALSE(choose_id("j1", {}));
}

TEST(job_ids, only_ids_go_into_paths) {
  EXPECT_TRUE(is_begin_of_id("j"));
  EXPECT_TRUE(is_begin_of_id("j06h0nhrgvkx9ez8bgq"));
  for (const char* bad : {"", "x", "j/..", "j06?", "J06", "j06h0nhrgvkx9ez8bgq0", "4716", "@last"})
    EXPECT_FALSE(is_begin_of_id(bad)) << bad;
}

} // namespace
} // namespace kiln::client

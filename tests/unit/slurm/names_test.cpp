// SPDX-License-Identifier: Apache-2.0
#include "slurm/names.hpp"

#include <gtest/gtest.h>

namespace kiln::slurm {
namespace {

TEST(array_name, is_read_as_it_is_written) {
  const array_name name{{*job_id::parse("j0123456789abcdefgh"), 3}, 12};
  EXPECT_EQ(name.str(), "kiln-j0123456789abcdefgh-3-12");
  EXPECT_EQ(array_name::parse(name.str()), name);
}

TEST(array_name, anything_else_is_not_ours) {
  for (const char* text :
       {"", "kiln-", "kiln-x-1-1", "kiln-j0123456789abcdefgh-3", "kiln-j0123456789abcdefgh-3-",
        "kiln-j0123456789abcdefgh-3-0", "kiln-j0123456789abcdefgh-3-01", "kiln-j0123456789abcdefgh-3--1",
        "kiln-j0123456789abcdefgh-3-1 ", "kiln-j0123456789abcdefgh-3-99999999999",
        "Kiln-j0123456789abcdefgh-3-1", "kiln-../../etc-1-1", "render.sh"})
    EXPECT_FALSE(array_name::parse(text)) << text;
}

TEST(run_name, is_read_as_it_is_written) {
  const run_name name{7, 4711, 2};
  EXPECT_EQ(name.str(), "run-7-4711-2");
  EXPECT_EQ(run_name::parse(name.str()), name);
}

TEST(run_name, anything_else_is_not_ours) {
  for (const char* text : {"", "run-", "run-1", "run-1-2", "run-0-2-0", "run-1-2-x", "run-1--0", "run-1-2-0-",
                           "run-01-2-0", "run-1-2-3-4", "run-99999999999-1-0", "tasks", "run-1-2-0/../x"})
    EXPECT_FALSE(run_name::parse(text)) << text;
}

} // namespace
} // namespace kiln::slurm

// SPDX-License-Identifier: Apache-2.0
#include "blender/setup_script.hpp"
#include "domain/image_format.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace kiln::blender {
namespace {

TEST(setup_script, checks_the_formats_that_jobs_can_ask_for) {
  const auto found = std::ranges::find(setup_scripts, "kiln_checks.py", &script::name);
  ASSERT_NE(found, setup_scripts.end());
  std::string rows;
  for (const auto& format : domain::image_formats)
    rows += fmt::format("{}\"{}\": {}", rows.empty() ? "" : ", ", format.name, format.longest_side);
  EXPECT_NE(found->text.find("\nFORMATS = {" + rows + "}\n"), std::string_view::npos) << rows;
}

} // namespace
} // namespace kiln::blender

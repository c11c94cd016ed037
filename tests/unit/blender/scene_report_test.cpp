// SPDX-License-Identifier: Apache-2.0
#include "blender/log_reader.hpp"
#include "blender/scene_report.hpp"
#include "blender/setup_script.hpp"

#include <gtest/gtest.h>

namespace kiln::blender {
namespace {

using domain::failure_kind;

TEST(scene_report, is_read_from_its_line) {
  const auto report = parse_scene_report(R"(kiln: {"scene": "S\u00e9", "missing": []})");
  ASSERT_TRUE(report);
  EXPECT_EQ(report->json, R"({"scene":"Sé","missing":[]})");
  EXPECT_FALSE(report->failure);
}

TEST(scene_report, a_failure_has_a_kind_and_a_reason) {
  const auto report =
      parse_scene_report(R"(kiln: {"failure":{"kind":"no_camera","message":"add one"},"scene":"S"})");
  ASSERT_TRUE(report && report->failure);
  EXPECT_EQ(report->failure->kind, failure_kind::no_camera);
  EXPECT_EQ(report->failure->message, "add one");
  EXPECT_EQ(report->json, R"({"scene":"S"})");
}

TEST(scene_report, whatever_a_blend_prints_is_survived) {
  for (const char* line : {"", "kiln:", "kiln: ", "kiln: x", "kiln: []", "kiln: 7", "kiln: {", "kiln: {}}",
                           "Kiln: {}", " kiln: {}", "kiln: {\"a\":1e999"})
    EXPECT_FALSE(parse_scene_report(line)) << line;
  for (const char* line : {R"(kiln: {"failure":{}})", R"(kiln: {"failure":{"kind":7,"message":[]}})",
                           R"(kiln: {"failure":{"kind":"succeeded","message":""}})"}) {
    const auto report = parse_scene_report(line);
    ASSERT_TRUE(report && report->failure) << line;
    EXPECT_EQ(report->failure->kind, failure_kind::internal);
    EXPECT_FALSE(report->failure->message.empty());
  }
  EXPECT_FALSE(parse_scene_report(R"(kiln: {"failure":7})")->failure);
  const auto deep = "kiln: " + std::string(5000, '{');
  EXPECT_FALSE(parse_scene_report(deep));
  const auto long_one =
      parse_scene_report("kiln: {\"failure\":{\"message\":\"" + std::string(8000, 'x') + "\"}}");
  EXPECT_LE(long_one->failure->message.size(), 1000U);
}

TEST(scene_report, is_an_event_of_the_log) {
  log_reader reader;
  const auto event = reader.feed("kiln: {\"scene\":\"Cannot render, no camera\"}");
  ASSERT_TRUE(event);
  EXPECT_TRUE(std::holds_alternative<scene_report>(*event)) << "names in it are no complaints";
}

TEST(setup_script, is_the_whole_script) {
  EXPECT_TRUE(setup_script.starts_with("# SPDX-License-Identifier"));
  EXPECT_TRUE(setup_script.ends_with("\n    main()\n"));
  EXPECT_TRUE(session_script.starts_with("# SPDX-License-Identifier"));
  EXPECT_TRUE(session_script.ends_with("\n    main()\n"));
  EXPECT_NE(setup_script.find("\\nkiln: "), std::string_view::npos)
      << "backslashes and semicolons survive CMake";
}

} // namespace
} // namespace kiln::blender

// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.hpp"
#include "blender/log_reader.hpp"
#include "blender/scene_report.hpp"
#include "blender/setup_script.hpp"

#include <gtest/gtest.h>

#include <algorithm>

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
  std::string name = "x";
  while (name.size() < 2000)
    name += "é";
  const auto long_name = parse_scene_report("kiln: {\"failure\":{\"message\":\"" + name + "\"}}");
  EXPECT_LE(long_name->failure->message.size(), 1000U);
  EXPECT_TRUE(is_line_of_text(long_name->failure->message)) << "no character is cut in two";
}

TEST(scene_report, is_an_event_of_the_log) {
  log_reader reader;
  const auto event = reader.feed("kiln: {\"scene\":\"Cannot render, no camera\"}");
  ASSERT_TRUE(event);
  EXPECT_TRUE(std::holds_alternative<scene_report>(*event)) << "names in it are no complaints";
}

TEST(scene_report, warnings_come_apart_from_the_object) {
  const auto report = parse_scene_report(
      R"(kiln: {"scene":"S","warnings":[{"kind":"newer_file","message":"m","frames":"1-3"},{"kind":"B","message":"m"},7]})");
  ASSERT_TRUE(report);
  EXPECT_EQ(report->json, R"({"scene":"S"})");
  ASSERT_EQ(report->warnings.size(), 1U);
  EXPECT_EQ(report->warnings[0].kind, "newer_file");
  EXPECT_EQ(report->warnings[0].frames, domain::frame_set::parse("1-3").value());
}

TEST(setup_script, is_the_whole_script) {
  const auto setup_script = setup_scripts.front().text;
  EXPECT_EQ(setup_scripts.front().name, "kiln_setup.py");
  EXPECT_TRUE(setup_script.ends_with("\n    main()\n"));
  for (const auto& [name, text] : setup_scripts)
    EXPECT_TRUE(text.starts_with("# SPDX-License-Identifier") && text.ends_with("\n")) << name;
  EXPECT_TRUE(session_script.starts_with("# SPDX-License-Identifier"));
  EXPECT_TRUE(session_script.ends_with("\n    main()\n"));
  const auto report = std::ranges::find(setup_scripts, "kiln_report.py", &script::name);
  ASSERT_NE(report, setup_scripts.end());
  EXPECT_NE(report->text.find("\\nkiln: "), std::string_view::npos)
      << "backslashes and semicolons survive CMake";
}

} // namespace
} // namespace kiln::blender

// SPDX-License-Identifier: Apache-2.0
#include "domain/spec_json.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

namespace kiln::domain {
namespace {

std::variant<job_spec, std::vector<field_error>> parse(std::string_view text) {
  return parse_spec(boost::json::parse(text).as_object(), frame_set::usual_terms);
}

std::vector<std::string> wrong(std::string_view text) {
  std::vector<std::string> pointers;
  const auto parsed = parse(text);
  if (const auto* errors = std::get_if<std::vector<field_error>>(&parsed))
    for (const auto& e : *errors)
      pointers.push_back(e.pointer);
  return pointers;
}

using pointers = std::vector<std::string>;

TEST(spec_json, every_field_goes_there_and_back) {
  constexpr std::string_view all =
      R"({"blend":"a.blend","frames":"1-10x3,50","name":"n","trace_id":"t","tags":["a","b"],"priority":-3,)"
      R"("engine":"CYCLES","scene":"S","view_layer":"v","camera":"c","format":"PNG","resolution":[4,5],"resolution_percentage":6,)"
      R"("samples":7,"seed":8,"device":"CPU","threads":9,"retries":4,"order":"spread","processes":"auto","process":"session","fail_fast":true,"autorun":true,"timeout_seconds":11,)"
      R"("stall_timeout_seconds":12})";
  const auto spec = std::get<job_spec>(parse(all));
  EXPECT_EQ(spec.blend_name, "a.blend");
  EXPECT_EQ(spec.settings.resolution, (std::pair{4, 5}));
  EXPECT_EQ(spec.stall_timeout, std::chrono::seconds{12});
  EXPECT_EQ(boost::json::serialize(format_spec(spec)), all);
}

TEST(spec_json, what_is_not_given_stays_as_it_is_in_the_file) {
  const auto spec = std::get<job_spec>(parse(R"({"blend":"a","frames":{"from":1,"to":3}})"));
  EXPECT_EQ(spec.settings, render_settings{});
  EXPECT_EQ(spec.frames, *frame_set::range(1, 3));
  EXPECT_EQ(spec.retries, 2);
  EXPECT_EQ(boost::json::serialize(format_settings(spec.settings)), "{}");
}

TEST(spec_json, scripts_have_a_blender_of_their_own_unless_the_job_says_otherwise) {
  const auto own = std::get<job_spec>(parse(R"({"blend":"a","frames":"1","autorun":true})"));
  EXPECT_TRUE(own.autorun && own.own_process);
  EXPECT_EQ(std::get<job_spec>(parse(boost::json::serialize(format_spec(own)))), own);
  const auto wrongly =
      std::get<job_spec>(parse(R"({"blend":"a","frames":"1","autorun":true,"process":"session"})"));
  EXPECT_TRUE(wrongly.autorun && !wrongly.own_process) << "which check_job() names";
  EXPECT_FALSE(std::get<job_spec>(parse(R"({"blend":"a","frames":"1","autorun":false})")).own_process);
}

TEST(spec_json, without_frames_it_has_those_of_the_file) {
  auto spec = std::get<job_spec>(parse(R"({"blend":"a"})"));
  EXPECT_TRUE(spec.frames.empty() && spec.settings.frames_of_file);
  EXPECT_EQ(boost::json::serialize(format_settings(spec.settings)), R"({"frames_of_file":true})");
  spec.frames = *frame_set::range(1, 3);
  EXPECT_EQ(std::get<job_spec>(parse(boost::json::serialize(format_spec(spec)))).settings, spec.settings);
}

TEST(spec_json, all_that_is_wrong_is_named) {
  EXPECT_EQ(wrong("{}"), pointers{"/blend"});
  EXPECT_EQ(
      wrong(R"({"blend":1,"frames":[],"tags":[1,"a",null],"priority":"x","samples":1.5,"seed":4294967296,)"
            R"("resolution":[1,"2"],"engine":{},"fail_fast":"no","autorun":1,"processes":0,"x/y~":0})"),
      (pointers{"/blend", "/frames", "/tags/0", "/tags/2", "/priority", "/fail_fast", "/autorun",
                "/processes", "/engine", "/resolution/1", "/samples", "/seed", "/x~1y~0"}));
  EXPECT_EQ(wrong(R"({"blend":"a","frames":{"from":1}})"), pointers{"/frames"});
  EXPECT_EQ(wrong(R"({"blend":"a","frames":{"from":1,"to":2,"step":0}})"), pointers{"/frames"});
  EXPECT_EQ(wrong(R"({"blend":"a","frames":{"from":1,"to":2,"by":1}})"), pointers{"/frames/by"});
  EXPECT_EQ(wrong(R"({"blend":"a","frames":"1","resolution":[1,2,3]})"), pointers{"/resolution"});
}

} // namespace
} // namespace kiln::domain

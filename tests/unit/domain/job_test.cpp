// SPDX-License-Identifier: Apache-2.0
#include "domain/failure.hpp"
#include "domain/job.hpp"

#include <gtest/gtest.h>

namespace kiln::domain {
namespace {

job_spec good_job() {
  job_spec spec;
  spec.blend = "/scenes/a.blend";
  spec.frames = *frame_set::range(1, 10);
  return spec;
}

/// The pointers of the wrong fields.
std::vector<std::string> wrong(const job_spec& spec, const job_limits& limits = {}) {
  std::vector<std::string> pointers;
  for (const auto& e : check_job(spec, limits))
    pointers.push_back(e.pointer);
  return pointers;
}

template<class Change>
std::vector<std::string> wrong_with(Change change) {
  auto spec = good_job();
  change(spec);
  return wrong(spec);
}

using pointers = std::vector<std::string>;

TEST(job, a_good_job_is_taken) {
  EXPECT_TRUE(check_job(good_job(), {}).empty());
  auto all = good_job();
  all.settings = {.engine = "BLENDER_EEVEE",
                  .scene = "Szene \"é\"",
                  .view_layer = "a",
                  .camera = "b",
                  .format = "OPEN_EXR_MULTILAYER",
                  .resolution = std::pair{4, 65536},
                  .resolution_percentage = 1000,
                  .samples = 1,
                  .seed = 0,
                  .device = "OPTIX"};
  all.tags = {"nightly"};
  all.priority = -100;
  all.retries = 0;
  all.timeout = std::chrono::seconds{1};
  EXPECT_TRUE(check_job(all, {}).empty());
}

TEST(job, what_is_wrong_is_named_all_of_it) {
  EXPECT_EQ(wrong_with([](auto& j) { j.frames = {}; }), pointers{"/frames"});
  EXPECT_EQ(wrong_with([](auto& j) { j.blend = "a.blend"; }), pointers{"/blend"});
  for (int threads : {-1, 1025})
    EXPECT_EQ(wrong_with([&](auto& j) { j.threads = threads; }), pointers{"/threads"}) << threads;
  for (int priority : {-101, 101})
    EXPECT_EQ(wrong_with([&](auto& j) { j.priority = priority; }), pointers{"/priority"}) << priority;
  EXPECT_EQ(wrong_with([](auto& j) { j.retries = 101; }), pointers{"/retries"});
  EXPECT_EQ(wrong_with([](auto& j) { j.name = "a\nb"; }), pointers{"/name"});
  EXPECT_EQ(wrong_with([](auto& j) { j.name = std::string(201, 'x'); }), pointers{"/name"});
  EXPECT_EQ(wrong_with([](auto& j) {
              j.tags = {"ok", "", std::string(65, 'x')};
            }),
            (pointers{"/tags/1", "/tags/2"}));
  EXPECT_EQ(wrong_with([](auto& j) { j.tags.resize(21, "x"); }), pointers{"/tags"});
  for (const int seconds : {0, -1, 31'536'001})
    EXPECT_EQ(wrong_with([&](auto& j) {
                j.timeout = std::chrono::seconds{seconds};
                j.stall_timeout = std::chrono::seconds{seconds};
              }),
              (pointers{"/timeout_seconds", "/stall_timeout_seconds"}));
  EXPECT_EQ(wrong_with([](auto& j) { j.settings.engine = "CYCLES; rm"; }), pointers{"/engine"});
  EXPECT_EQ(wrong_with([](auto& j) { j.settings.scene = std::string(64, 'x'); }), pointers{"/scene"});
  EXPECT_EQ(wrong_with([](auto& j) { j.settings.camera = std::string("a\0b", 3); }), pointers{"/camera"});
  EXPECT_EQ(wrong_with([](auto& j) { j.settings.format = "FFMPEG"; }), pointers{"/format"});
  EXPECT_EQ(wrong_with([](auto& j) { j.settings.device = "cpu"; }), pointers{"/device"});
  EXPECT_EQ(wrong_with([](auto& j) {
              j.settings.resolution = std::pair{3, 65537};
            }),
            (pointers{"/resolution/0", "/resolution/1"}));
  EXPECT_EQ(wrong_with([](auto& j) { j.settings.samples = 0; }), pointers{"/samples"});
  EXPECT_EQ(wrong_with([](auto& j) { j.settings.seed = -1; }), pointers{"/seed"});

  EXPECT_TRUE(wrong(good_job(), {.max_frames = 10}).empty());
  const auto many = check_job(good_job(), {.max_frames = 9});
  ASSERT_EQ(many.size(), 1U);
  EXPECT_NE(many[0].message.find("10 frames are more than the 9"), std::string::npos);
}

TEST(check_job, what_is_for_one_machine_or_for_a_cluster_is_refused_by_the_other) {
  auto job = good_job();
  const auto refused_by = [&job](bool has_cluster) {
    return wrong(job, {.max_frames = 10, .has_cluster = has_cluster});
  };
  job.processes = 2;
  EXPECT_EQ(refused_by(true), pointers{"/processes"});
  EXPECT_TRUE(refused_by(false).empty());
  job.processes = 0; // "auto": as many as there is room for
  EXPECT_TRUE(refused_by(true).empty());
  job.processes = 1;
  job.own_process = true;
  EXPECT_TRUE(refused_by(true).empty());
  job.slurm.partition = "gpu";
  EXPECT_TRUE(refused_by(true).empty());
  EXPECT_EQ(refused_by(false), pointers{"/slurm"});
}

TEST(check_job, scripts_run_where_the_operator_allows_it) {
  using enum autorun_scope;
  auto job = good_job();
  const auto refused_by = [&job](autorun_scope scope) {
    return wrong(job, {.autorun = scope, .not_of_roots = {"/state", "/scenes/output"}});
  };
  for (const auto scope : {never, roots, always})
    EXPECT_TRUE(refused_by(scope).empty()) << "it does not ask for it";
  job.autorun = job.own_process = true;
  EXPECT_EQ(refused_by(never), pointers{"/autorun"});
  EXPECT_TRUE(refused_by(roots).empty());
  EXPECT_TRUE(refused_by(always).empty());
  for (const char* blend : {"/state/blends/0a/upload.blend", "/scenes/output/j1/a.blend"}) {
    job.blend = blend;
    EXPECT_EQ(refused_by(never), pointers{"/autorun"}) << blend;
    EXPECT_EQ(refused_by(roots), pointers{"/autorun"}) << blend;
    EXPECT_TRUE(refused_by(always).empty()) << blend;
  }
  job.blend = "/state of the art/a.blend";
  EXPECT_TRUE(refused_by(roots).empty());
  job.own_process = false;
  EXPECT_EQ(refused_by(always), pointers{"/process"});
  EXPECT_EQ(parse_autorun_scope("never"), never);
  EXPECT_EQ(parse_autorun_scope("roots"), roots);
  EXPECT_EQ(parse_autorun_scope("always"), always);
  EXPECT_EQ(parse_autorun_scope("Always"), std::nullopt);
}

TEST(job_state, success_is_never_left_and_others_only_for_another_try) {
  constexpr job_state all[] = {job_state::queued,    job_state::running, job_state::paused,
                               job_state::succeeded, job_state::failed,  job_state::canceled};
  for (auto to : all) {
    EXPECT_FALSE(can_become(job_state::succeeded, to)) << to_string(to);
    for (auto from : {job_state::failed, job_state::canceled})
      EXPECT_EQ(can_become(from, to), to == job_state::queued) << to_string(from) << " to " << to_string(to);
    EXPECT_FALSE(can_become(to, to)) << to_string(to);
    EXPECT_EQ(parse_job_state(to_string(to)), to);
  }
  EXPECT_FALSE(can_become(job_state::paused, job_state::running));
  EXPECT_TRUE(can_become(job_state::queued, job_state::canceled));
  EXPECT_TRUE(can_become(job_state::running, job_state::queued));
  EXPECT_FALSE(parse_job_state("done"));
}

TEST(failure_kind, has_the_names_of_the_api) {
  EXPECT_EQ(to_string(failure_kind::frames_missing), "frames_missing");
  EXPECT_EQ(to_string(failure_kind::blender_missing), "blender_missing");
  for (int kind = 0; kind <= static_cast<int>(failure_kind::internal); ++kind)
    EXPECT_EQ(parse_failure_kind(to_string(static_cast<failure_kind>(kind))),
              static_cast<failure_kind>(kind));
  EXPECT_FALSE(parse_failure_kind("bad luck"));
}

} // namespace
} // namespace kiln::domain

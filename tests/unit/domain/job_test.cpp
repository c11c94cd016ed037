// SPDX-License-Identifier: Apache-2.0
#include "domain/failure.hpp"
#include "domain/job.hpp"

#include <gtest/gtest.h>

namespace kiln::domain {
namespace {

job_spec good_job() {
  return {.blend = "/scenes/a.blend", .frames = *frame_set::range(1, 10), .engine = "CYCLES"};
}

TEST(job, a_good_job_is_taken) {
  EXPECT_TRUE(check_job(good_job(), {}));
}

TEST(job, what_is_wrong_is_named) {
  auto empty = good_job();
  empty.frames = {};
  EXPECT_EQ(check_job(empty, {}).error().message, "the job has no frames");

  auto relative = good_job();
  relative.blend = "a.blend";
  EXPECT_FALSE(check_job(relative, {}));

  for (int threads : {-1, 1025}) {
    auto job = good_job();
    job.threads = threads;
    EXPECT_FALSE(check_job(job, {})) << threads;
  }

  EXPECT_TRUE(check_job(good_job(), {.max_frames = 10}));
  EXPECT_NE(check_job(good_job(), {.max_frames = 9}).error().message.find("10 frames are more than the 9"),
            std::string::npos);
}

TEST(job_state, final_states_are_never_left) {
  constexpr job_state all[] = {job_state::queued, job_state::running, job_state::succeeded, job_state::failed,
                               job_state::canceled};
  for (auto from : {job_state::succeeded, job_state::failed, job_state::canceled})
    for (auto to : all) {
      EXPECT_TRUE(is_final(from));
      EXPECT_FALSE(can_become(from, to)) << to_string(from) << " to " << to_string(to);
    }
  EXPECT_FALSE(can_become(job_state::queued, job_state::succeeded));
  EXPECT_FALSE(can_become(job_state::queued, job_state::queued));
  EXPECT_TRUE(can_become(job_state::queued, job_state::canceled));
  EXPECT_TRUE(can_become(job_state::running, job_state::queued));
}

TEST(failure_kind, has_the_names_of_the_api) {
  EXPECT_EQ(to_string(failure_kind::frames_missing), "frames_missing");
  EXPECT_EQ(to_string(failure_kind::blender_missing), "blender_missing");
}

} // namespace
} // namespace kiln::domain

// SPDX-License-Identifier: Apache-2.0
//
// Jobs and their parts as the tests of the stores write them.
#pragma once

#include "store/job_store.hpp"

#include <vector>

namespace kiln::store {

inline job_id id_of(int number) {
  return job_id::make(std::chrono::milliseconds{1'800'000'000'000 + number}, 7);
}

inline job_record job(int number, const char* frames = "1-10") {
  job_record made;
  made.id = id_of(number);
  made.spec.blend = "/p/a.blend";
  made.spec.blend_name = "a.blend";
  made.spec.frames = *domain::frame_set::parse(frames);
  made.created = time_point{std::chrono::milliseconds{1'800'000'000'000 + number}};
  return made;
}

/// With something in every field.
inline job_record full_job(int number) {
  auto made = job(number, "1-10x3,50");
  made.owner = "ci";
  auto& spec = made.spec;
  spec.settings = {.engine = "CYCLES",
                   .scene = "S\"'\\ é",
                   .view_layer = "v",
                   .camera = "c",
                   .format = "PNG",
                   .resolution = std::pair{4, 5},
                   .resolution_percentage = 6,
                   .samples = 7,
                   .seed = 8,
                   .device = "CPU"};
  spec.threads = 9;
  spec.name = "'; DROP TABLE job; --";
  spec.tags = {"a", "é"};
  spec.priority = -3;
  spec.retries = 4;
  spec.fail_fast = true;
  spec.timeout = std::chrono::seconds{11};
  spec.stall_timeout = std::chrono::seconds{12};
  made.state = domain::job_state::failed;
  made.wish = intent::cancel;
  made.revision = 17;
  made.failure = domain::failure{
      .kind = domain::failure_kind::crashed, .message = "boom", .frame = 4, .exit_status = 5, .signal = 6};
  made.pid = 4711;
  made.attempts = 3;
  made.frames_done = 2;
  made.frames_failed = 1;
  made.render_seconds = 1.25;
  made.started = made.created + std::chrono::seconds{1};
  made.finished = made.created + std::chrono::seconds{2};
  made.report = R"({"scene":"S"})";
  return made;
}

inline frame_record done(int frame, double seconds = 1) {
  return {.frame = frame, .now = frame_record::state::done, .tries = 0, .seconds = seconds, .bytes = 100};
}

/// g++ 12 cannot make these lists inside a coroutine.
template<class... Record>
auto list_of(Record... records) {
  return std::vector{records...};
}

} // namespace kiln::store

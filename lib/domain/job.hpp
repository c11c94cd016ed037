// SPDX-License-Identifier: Apache-2.0
//
// What a user asks for, and the states it goes through. Nothing here knows how or where it is rendered.
#pragma once

#include "base/error.hpp"
#include "domain/frame_set.hpp"

#include <cstddef>
#include <filesystem>
#include <string_view>

namespace kiln::domain {

enum class job_state { queued, running, succeeded, failed, canceled };

/// The state's name as the API writes it.
[[nodiscard]] std::string_view to_string(job_state state) noexcept;

/// Final states are never left.
[[nodiscard]] bool is_final(job_state state) noexcept;

/// queued → running, failed, canceled; running → queued (requeued), succeeded, failed, canceled.
[[nodiscard]] bool can_become(job_state from, job_state to) noexcept;

struct job_spec {
  std::filesystem::path blend; ///< absolute
  frame_set frames;            ///< contiguous, step 1: what `-s -e -a` can render
  std::string engine = "CYCLES";
  int threads = 0; ///< Blender's -t: 0 = all, else 1 to 1024
};

struct job_limits {
  std::size_t max_frames = 100'000; ///< frames of one job
};

/// invalid_input, naming what is wrong, unless the job is one that Kiln takes.
[[nodiscard]] result<void> check_job(const job_spec& spec, const job_limits& limits);

} // namespace kiln::domain

// SPDX-License-Identifier: Apache-2.0
#include "executor/output_executor.hpp"

#include "executor/results.hpp"
#include "executor/workspace.hpp"

#include <string_view>
#include <utility>

namespace kiln::executor {

output_executor::output_executor(aio::executor_type loop, std::filesystem::path output,
                                 std::filesystem::path state, aio::blocking_pool& pool)
    : pool_(pool), digests_(loop, pool), output_(std::move(output)), state_(std::move(state)) {}

aio::task<domain::frame_set> output_executor::published(job_id of) {
  const auto list_here = [directory = output_ / of.str()] { return published_frames(directory); };
  co_return co_await pool_.run(list_here);
}

aio::task<result<result_file>> output_executor::open_frame(job_id of, int frame) {
  const auto open_here = [directory = output_ / of.str(), frame] {
    return kiln::executor::open_frame(directory, frame);
  };
  co_return co_await pool_.run(open_here);
}

aio::task<std::vector<result_file>> output_executor::open_logs(job_id of, int attempts) {
  const auto open_here = [of, attempts, state = state_] {
    return kiln::executor::open_logs(of, attempts, state);
  };
  co_return co_await pool_.run(open_here);
}

aio::task<result<void>> output_executor::discard(job_id of, int attempts) {
  const auto discard_here = [of, attempts, output = output_, state = state_] {
    return kiln::executor::discard(of, attempts, output, state);
  };
  co_return co_await pool_.run(discard_here);
}

aio::task<std::uintmax_t> output_executor::free_bytes() {
  const auto ask_here = [output = output_] { return kiln::executor::free_bytes(output); };
  co_return co_await pool_.run(ask_here);
}

aio::task<std::optional<std::string>> output_executor::digest_of(const domain::job_spec& spec) {
  constexpr std::string_view prefix = "sha256:"; // of an upload, which is called by its digest
  if (spec.blend_name.starts_with(prefix))
    co_return spec.blend_name.substr(prefix.size());
  co_return co_await digests_.of(spec.blend);
}

} // namespace kiln::executor

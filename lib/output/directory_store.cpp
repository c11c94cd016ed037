// SPDX-License-Identifier: Apache-2.0
#include "output/directory_store.hpp"

#include "aio/directory.hpp"

#include <utility>

namespace kiln::output {

aio::task<domain::frame_set> directory_store::published(job_id of) {
  const auto list_here = [directory = output_ / of.str()] { return published_frames(directory); };
  co_return co_await pool_.run(list_here);
}

aio::task<result<result_file>> directory_store::open_frame(job_id of, int frame) {
  const auto open_here = [directory = output_ / of.str(), frame] {
    return output::open_frame(directory, frame);
  };
  co_return co_await pool_.run(open_here);
}

aio::task<result<std::vector<file_facts>>> directory_store::list_results(job_id of,
                                                                         domain::frame_set frames) {
  const auto list_here = [directory = output_ / of.str(), frames = std::move(frames)] {
    return output::list_results(directory, frames);
  };
  co_return co_await pool_.run(list_here);
}

aio::task<result<result_file>> directory_store::open_result(job_id of, std::string name) {
  const auto open_here = [directory = output_ / of.str(), name = std::move(name)] {
    return output::open_result(directory, name);
  };
  co_return co_await pool_.run(open_here);
}

aio::task<outputs_of_frames> directory_store::outputs(job_id of) {
  const auto list_here = [directory = output_ / of.str()] { return published_outputs(directory); };
  co_return co_await pool_.run(list_here);
}

aio::task<result<result_file>> directory_store::open_output(job_id of, std::string name) {
  const auto open_here = [directory = output_ / of.str(), name = std::move(name)] {
    return output::open_output(directory, name);
  };
  co_return co_await pool_.run(open_here);
}

aio::task<std::vector<result_file>> directory_store::open_logs(job_id of, int attempts) {
  const auto open_here = [of, attempts, state = state_] { return output::open_logs(of, attempts, state); };
  co_return co_await pool_.run(open_here);
}

aio::task<result<void>> directory_store::discard(job_id of, int attempts) {
  if (before_discard_)
    co_await before_discard_(of);
  const auto discard_here = [of, attempts, output = output_, state = state_] {
    return kiln::output::discard(of, attempts, output, state);
  };
  co_return co_await pool_.run(discard_here);
}

aio::task<std::uintmax_t> directory_store::free_bytes() {
  const auto ask_here = [output = output_] { return aio::free_bytes(output); };
  co_return co_await pool_.run(ask_here);
}

} // namespace kiln::output

// SPDX-License-Identifier: Apache-2.0
//
// The results of jobs, wherever their attempts ran: published frames and logs.
#pragma once

#include "aio/task.hpp"
#include "base/ids.hpp"
#include "domain/frame_set.hpp"
#include "output/results.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace kiln::output {

class output_store {
public:
  virtual ~output_store() = default;

  /// The frames of a job that are at their final paths.
  [[nodiscard]] virtual aio::task<domain::frame_set> published(job_id of) = 0;

  /// A published frame. not_found if there is no such file.
  [[nodiscard]] virtual aio::task<result<result_file>> open_frame(job_id of, int frame) = 0;

  /// The images of these frames, in order, each followed by its further files. not_found if one is not a
  /// regular file, and names it.
  [[nodiscard]] virtual aio::task<result<std::vector<file_facts>>> list_results(job_id of,
                                                                                domain::frame_set frames) = 0;

  /// One of them: an image or a further file. not_found if there is no such file.
  [[nodiscard]] virtual aio::task<result<result_file>> open_result(job_id of, std::string name) = 0;

  /// The further files of a job's frames (blender/output_name.hpp).
  [[nodiscard]] virtual aio::task<outputs_of_frames> outputs(job_id of) = 0;

  /// One of them. not_found if there is no such file.
  [[nodiscard]] virtual aio::task<result<result_file>> open_output(job_id of, std::string name) = 0;

  /// The logs of a job's first `attempts` attempts, oldest first. The log of a running attempt grows.
  [[nodiscard]] virtual aio::task<std::vector<result_file>> open_logs(job_id of, int attempts) = 0;

  /// Removes the published frames and the logs of a job that has ended after `attempts` attempts.
  [[nodiscard]] virtual aio::task<result<void>> discard(job_id of, int attempts) = 0;

  /// Free space for frames, in bytes.
  [[nodiscard]] virtual aio::task<std::uintmax_t> free_bytes() = 0;
};

} // namespace kiln::output

// SPDX-License-Identifier: Apache-2.0
//
// Frames below one output directory, logs below one state directory: OUTPUT/JOB/…, STATE/logs/JOB-N.log.
#pragma once

#include "aio/blocking_pool.hpp"
#include "output/output_store.hpp"

#include <filesystem>
#include <functional>
#include <utility>

namespace kiln::output {

class directory_store final : public output_store {
public:
  /// The pool must outlive it.
  directory_store(std::filesystem::path output, std::filesystem::path state, aio::blocking_pool& pool)
      : output_(std::move(output)), state_(std::move(state)), pool_(pool) {}

  /// Awaited before anything of a job is removed: ends what would write there.
  void before_discard(std::function<aio::task<>(job_id)> end) { before_discard_ = std::move(end); }

  [[nodiscard]] aio::task<domain::frame_set> published(job_id of) override;
  [[nodiscard]] aio::task<result<result_file>> open_frame(job_id of, int frame) override;
  [[nodiscard]] aio::task<result<std::vector<file_facts>>> list_results(job_id of,
                                                                        domain::frame_set frames) override;
  [[nodiscard]] aio::task<result<result_file>> open_result(job_id of, std::string name) override;
  [[nodiscard]] aio::task<outputs_of_frames> outputs(job_id of) override;
  [[nodiscard]] aio::task<result<result_file>> open_output(job_id of, std::string name) override;
  [[nodiscard]] aio::task<std::vector<result_file>> open_logs(job_id of, int attempts) override;
  [[nodiscard]] aio::task<result<void>> discard(job_id of, int attempts) override;
  [[nodiscard]] aio::task<std::uintmax_t> free_bytes() override;

private:
  std::filesystem::path output_;
  std::filesystem::path state_;
  aio::blocking_pool& pool_;
  std::function<aio::task<>(job_id)> before_discard_;
};

} // namespace kiln::output

// SPDX-License-Identifier: Apache-2.0
//
// What the executors have in common: wherever their attempts run, frames are published below one output
// directory, and logs below one state directory, both of which this machine sees.
#pragma once

#include "aio/blocking_pool.hpp"
#include "executor/blend_digest.hpp"
#include "executor/executor.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace kiln::executor {

class output_executor : public executor {
public:
  [[nodiscard]] aio::task<domain::frame_set> published(job_id of) final;
  [[nodiscard]] aio::task<result<result_file>> open_frame(job_id of, int frame) final;
  [[nodiscard]] aio::task<std::vector<result_file>> open_logs(job_id of, int attempts) final;
  [[nodiscard]] aio::task<result<void>> discard(job_id of, int attempts) final;
  [[nodiscard]] aio::task<std::uintmax_t> free_bytes() final;

protected:
  /// The pool outlives it.
  output_executor(aio::executor_type loop, std::filesystem::path output, std::filesystem::path state,
                  aio::blocking_pool& pool);

  /// SHA-256 of the .blend's content; nothing when it cannot be read.
  [[nodiscard]] aio::task<std::optional<std::string>> digest_of(const domain::job_spec& spec);

  aio::blocking_pool& pool_;
  blend_digests digests_;

private:
  std::filesystem::path output_;
  std::filesystem::path state_;
};

} // namespace kiln::executor

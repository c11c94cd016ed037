// SPDX-License-Identifier: Apache-2.0
//
// What attempts have left, opened for reading: published frames and logs. Links are never followed. These
// calls block: for the pool.
#pragma once

#include "aio/unique_descriptor.hpp"
#include "base/error.hpp"
#include "base/ids.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace kiln::executor {

/// A regular file as it was when it was opened. One that is replaced later stays as it is here.
struct result_file {
  std::shared_ptr<const aio::unique_descriptor> file;
  std::string name;
  std::uint64_t size = 0; ///< bytes
  std::chrono::sys_seconds modified;
  std::string mark; ///< another one for every other content: of inode, size and time
};

/// Nothing when it is not there, or no regular file.
[[nodiscard]] std::optional<result_file> open_file(const std::filesystem::path& file);

/// not_found when the frame does not stand there.
[[nodiscard]] result<result_file> open_frame(const std::filesystem::path& final_dir, int frame);

/// Those of the job's first `attempts` attempts, the oldest first; an attempt whose log is gone is left out.
[[nodiscard]] std::vector<result_file> open_logs(const job_id& of, int attempts,
                                                 const std::filesystem::path& state);

} // namespace kiln::executor

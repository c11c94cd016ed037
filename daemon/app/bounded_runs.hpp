// SPDX-License-Identifier: Apache-2.0
//
// Runs of programs that answer a question and end: each has a time limit, and all of them can be ended.
#pragma once

#include "aio/blocking_pool.hpp"
#include "aio/task.hpp"
#include "aio/unique_descriptor.hpp"
#include "base/error.hpp"
#include "domain/attempt.hpp"
#include "process/launch.hpp"

#include <chrono>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include <sys/types.h>

namespace kiln::process {
class child;
}

namespace kiln::app {

class probe_memory;

struct bounded_run {
  pid_t pid = 0;
  domain::process_exit exit;
  bool is_late = false;                                    ///< it was ended at the limit
  std::string printed;                                     ///< at most the first 1 MiB
  std::shared_ptr<const aio::unique_descriptor> kept = {}; ///< the file that was asked for, open; null: none
  std::filesystem::path directory;                         ///< its working directory, without links
};

class bounded_runs {
public:
  /// `pool` must outlive it. `user`: of the programs; null: kilnd's own.
  bounded_runs(aio::executor_type loop, aio::blocking_pool& pool, process::credentials_ptr user = {})
      : loop_(loop), pool_(pool), user_(std::move(user)) {}

  /// Runs a program for at most `limit`. Its working directory is made if it is missing, with tmp in it,
  /// given to the user, and removed at the end; the log file lies in it. `keep`: a regular file that the
  /// program leaves there. unavailable after stop().
  [[nodiscard]] aio::task<result<bounded_run>> run(process::launch_request request,
                                                   std::chrono::milliseconds limit, std::string keep);
  [[nodiscard]] aio::task<result<bounded_run>> run(process::launch_request request,
                                                   std::chrono::milliseconds limit) {
    return run(std::move(request), limit, std::string{});
  }

  [[nodiscard]] aio::blocking_pool& pool() noexcept { return pool_; }

  /// Keeps answers, so that a question is not asked twice; null: none are kept. Must outlive this object.
  void remember(probe_memory* memory) noexcept { memory_ = memory; }
  [[nodiscard]] probe_memory* memory() const noexcept { return memory_; }

  /// Ends running programs, and prevents new ones.
  void stop();

private:
  aio::executor_type loop_;
  aio::blocking_pool& pool_;
  process::credentials_ptr user_;
  std::set<process::child*> running_;
  bool is_stopped_ = false;
  probe_memory* memory_ = nullptr;
};

} // namespace kiln::app

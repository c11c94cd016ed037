// SPDX-License-Identifier: Apache-2.0
//
// A process started by an earlier run of the daemon. It is not our child: a pidfd reports its exit, but not
// its exit status, which only its parent could read. /proc is read on a thread of the pool, which must
// outlive it.
#pragma once

#include "aio/blocking_pool.hpp"
#include "aio/task.hpp"
#include "base/error.hpp"
#include "process/supervised.hpp"

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

namespace kiln::process {

class adopted final : public supervised {
public:
  /// The leader of a group whose working directory is `directory` and that was started with `variable`
  /// ("KEY=VALUE"), which identifies its processes: neither a reused pid nor a user's shell in that directory
  /// is mistaken for it. not_found if none runs.
  [[nodiscard]] static aio::task<result<std::unique_ptr<adopted>>>
  find(aio::executor_type loop, aio::blocking_pool& pool, std::filesystem::path directory,
       std::string variable, std::chrono::milliseconds grace);

  /// The process of this identity (process_table.hpp), started in `directory` with `variable`, whatever its
  /// current working directory.
  [[nodiscard]] static aio::task<result<std::unique_ptr<adopted>>>
  hold(aio::executor_type loop, aio::blocking_pool& pool, std::string identity,
       std::filesystem::path directory, std::string variable, std::chrono::milliseconds grace);

  ~adopted() override;

  [[nodiscard]] pid_t pid() const noexcept override;
  [[nodiscard]] aio::task<process_end> watch() override;
  void stop() override;
  void kill() override;
  void leave() override;

private:
  struct state;
  explicit adopted(std::shared_ptr<state> s);
  std::shared_ptr<state> state_;
};

} // namespace kiln::process

// SPDX-License-Identifier: Apache-2.0
//
// A process that an earlier life of the daemon has started. It is not our child, so its exit is seen through
// a pidfd, and its exit status is not: that is for its parent, and its parent is gone.
#pragma once

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
  /// ("KEY=VALUE"), which only processes started for it have: neither a pid that was given to another
  /// meanwhile, nor somebody's shell in that directory, is taken for it. not_found when none runs.
  [[nodiscard]] static result<std::unique_ptr<adopted>> find(aio::executor_type loop,
                                                             const std::filesystem::path& directory,
                                                             const std::string& variable,
                                                             std::chrono::milliseconds grace);

  /// The process of this identity (process_table.hpp), which was started in `directory` with `variable`,
  /// wherever it works by now.
  [[nodiscard]] static result<std::unique_ptr<adopted>>
  hold(aio::executor_type loop, const std::string& identity, const std::filesystem::path& directory,
       const std::string& variable, std::chrono::milliseconds grace);

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

// SPDX-License-Identifier: Apache-2.0
//
// A kilnd of this user alone, for the .blends below one directory: started when it is needed, found warm
// afterwards, and ended by itself when it idles. It listens on a Unix socket in a directory that only this
// user can enter, so that it needs no token, and neither other users nor web pages reach it.
#pragma once

#include "aio/unique_descriptor.hpp"
#include "base/error.hpp"

#include <filesystem>
#include <string>
#include <vector>

#include <sys/types.h>

namespace kiln::client {

class local_kilnd {
public:
  /// `root`: absolute, what renders may read. `program`: empty for kilnd beside this program, or in PATH.
  local_kilnd(const std::filesystem::path& root, std::filesystem::path program,
              std::vector<std::string> environment);

  /// Connects to it, and starts it if it does not run. Blocks for a moment. usage: its directories cannot be
  /// made or are open to others. not_reached: it cannot be started.
  [[nodiscard]] result<aio::unique_descriptor> connect();

  /// Why it ended, if it was started here and has ended: the end of its log. Empty otherwise.
  [[nodiscard]] std::string trouble();

private:
  [[nodiscard]] result<void> find_directories();
  [[nodiscard]] result<void> start(const std::filesystem::path& socket);

  std::filesystem::path root_;
  std::filesystem::path program_;
  std::vector<std::string> environment_;
  std::filesystem::path state_{};   ///< its state, and its log; kept
  std::filesystem::path runtime_{}; ///< its socket
  pid_t started_ = 0;
};

} // namespace kiln::client

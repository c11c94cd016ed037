// SPDX-License-Identifier: Apache-2.0
//
// Keeps the gate's tokens those of the file: read at the start, when the file is written or replaced, and
// when asked to. A file that is unreadable or missing changes nothing: the previous tokens stay valid. One
// timer reports when a token expires; it runs only while at least one token has an expiry time in the future.
#pragma once

#include "access/gate.hpp"
#include "aio/blocking_pool.hpp"
#include "watch/directory_watch.hpp"

#include <filesystem>
#include <functional>
#include <optional>
#include <vector>

namespace spdlog {
class logger;
}

namespace kiln::app {

class token_keeper {
public:
  /// `of` and `log` must outlive it. `changed`: called after each change of the valid tokens.
  token_keeper(aio::executor_type loop, std::filesystem::path file, access::gate& of,
               aio::blocking_pool& pool, spdlog::logger& log, std::function<void()> changed);

  /// Loads the file at the start; blocks. A missing file means no tokens, or an error if `must_be_there`.
  [[nodiscard]] result<void> read(bool must_be_there);

  /// Reads the file again. Errors go to the log.
  [[nodiscard]] aio::task<> reload();

  /// Until stop(): reloads when the file changes.
  [[nodiscard]] aio::task<> watch();
  /// Until stop(): logs when a token expires, and reports the change.
  [[nodiscard]] aio::task<> notice_expiry();
  void stop();

private:
  void use(std::vector<access::token> tokens);

  aio::executor_type loop_;
  std::filesystem::path file_;
  access::gate& gate_;
  aio::blocking_pool& pool_;
  spdlog::logger& log_;
  std::function<void()> changed_;
  std::optional<watch::directory_watch> watch_;
  std::vector<access::token> tokens_;
  aio::timer expiry_;
  bool stopped_ = false;
};

} // namespace kiln::app

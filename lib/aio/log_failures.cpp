// SPDX-License-Identifier: Apache-2.0
#include "aio/log_failures.hpp"

#include <spdlog/spdlog.h>

#include <exception>
#include <utility>

namespace kiln::aio {

task_group::failure_handler log_failures(spdlog::logger& log, std::string part) {
  return [&log, part = std::move(part)](const std::exception_ptr& failure) {
    try {
      std::rethrow_exception(failure);
    } catch (const std::exception& e) {
      log.error("{} threw: {}", part, e.what());
    } catch (...) {
      log.error("{} threw", part);
    }
  };
}

} // namespace kiln::aio

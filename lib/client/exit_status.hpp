// SPDX-License-Identifier: Apache-2.0
//
// The exit statuses of kiln, as codes of errors: each error says how the program ends if it reaches main.
#pragma once

#include "base/error.hpp"

namespace kiln::client {

enum class exit_status {
  succeeded = 0,
  job_failed = 1,
  usage = 2,
  canceled = 3,
  not_allowed = 4, ///< not signed in, or not with the role that is needed
  refused = 5,     ///< by kilnd
  not_reached = 6, ///< no answer from kilnd
  timed_out = 7,   ///< the job goes on
  incomplete = 8,  ///< a download
  defect = 70,     ///< of Kiln (EX_SOFTWARE of sysexits.h)
  interrupted = 130,
};

[[nodiscard]] boost::system::error_code make_error_code(exit_status status) noexcept;

/// The status of an error: `refused` for one that comes from elsewhere.
[[nodiscard]] exit_status status_of(const error& e) noexcept;

[[nodiscard]] inline error failure(exit_status status, std::string message) {
  return {make_error_code(status), std::move(message)};
}

} // namespace kiln::client

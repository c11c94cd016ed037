// SPDX-License-Identifier: Apache-2.0
//
// Follows a job to its end: asks as Retry-After says, and lets kilnd hold the answers until something
// changes.
#pragma once

#include "aio/task.hpp"
#include "client/caller.hpp"
#include "client/job_view.hpp"

#include <boost/json/value.hpp>

#include <functional>
#include <optional>
#include <string>

namespace kiln::client {

struct watching {
  /// Called for each new state of the job, which is also as kilnd sent it.
  std::function<void(const job_view&, const boost::json::value&)> show;
  std::function<aio::task<result<void>>()>
      frames_done;                               ///< null, or called when frames may have been published
  std::optional<std::chrono::seconds> most = {}; ///< nullopt: until the end
};

/// The job when it is final. timed_out if it is not by then.
[[nodiscard]] aio::task<result<boost::json::value>> watch_job(caller& kilnd, std::string job, watching how);

} // namespace kiln::client

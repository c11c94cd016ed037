// SPDX-License-Identifier: Apache-2.0
//
// What is kept of webhooks and of what they are still to be told.
#pragma once

#include "base/ids.hpp"
#include "domain/webhook.hpp"
#include "store/job_record.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace kiln::store {

/// The JSON that a webhook is told of an event that happened at `when`. Runs on the store's thread: it looks
/// at nothing but its arguments.
using event_format =
    std::function<std::string(const job_record& job, domain::webhook_event event, time_point when)>;

/// The newest try to tell a webhook something.
struct delivery_report {
  time_point at;
  domain::webhook_event event = domain::webhook_event::ping;
  std::optional<int> status = {};        ///< of HTTP, when there was an answer
  std::optional<std::string> error = {}; ///< for people; nothing when it was taken

  friend bool operator==(const delivery_report&, const delivery_report&) = default;
};

struct webhook_record {
  webhook_id id;
  std::string url;
  std::vector<domain::webhook_event> events; ///< without ping
  std::string secret;                        ///< "whsec_…"
  time_point created;
  std::optional<time_point> disabled = {}; ///< nothing is queued for it since then
  std::string disabled_why;
  std::optional<delivery_report> last = {};
  std::optional<time_point> succeeded = {}; ///< the newest delivery that was taken
  std::uint64_t given_up = 0;               ///< deliveries that were tried for the last time
  std::uint64_t pending = 0;                ///< deliveries that wait; not looked at by add()
  std::optional<time_point> next_try = {};  ///< of those; not looked at by add()

  friend bool operator==(const webhook_record&, const webhook_record&) = default;
};

/// Something that a webhook is to be told, and where that is.
struct delivery {
  std::string id; ///< the same at each try
  webhook_id to;
  std::string url;
  std::string secret;
  domain::webhook_event event = domain::webhook_event::ping;
  std::string payload;
  int tries = 0;  ///< that failed
  time_point due; ///< not before

  friend bool operator==(const delivery&, const delivery&) = default;
};

/// What became of a delivery.
struct delivery_outcome {
  std::string id;
  webhook_id to;
  delivery_report report;
  std::optional<time_point> again = {}; ///< when it failed: the next try; nothing: it is given up
  bool disable = false;                 ///< its receiver wants no more
};

} // namespace kiln::store

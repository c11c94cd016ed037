// SPDX-License-Identifier: Apache-2.0
//
// The stored state of webhooks and their pending deliveries.
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

/// Formats the JSON sent to a webhook for an event at `when`. Runs on the store's thread: must use nothing
/// but its arguments.
using event_format =
    std::function<std::string(const job_record& job, domain::webhook_event event, time_point when)>;

/// The latest delivery attempt of a webhook.
struct delivery_report {
  time_point at;
  domain::webhook_event event = domain::webhook_event::ping;
  std::optional<int> status = {};        ///< HTTP status, if there was an answer
  std::optional<std::string> error = {}; ///< for people; nullopt if accepted

  friend bool operator==(const delivery_report&, const delivery_report&) = default;
};

struct webhook_record {
  webhook_id id;
  std::string url;
  std::vector<domain::webhook_event> events; ///< without ping
  std::string secret;                        ///< "whsec_…"
  time_point created;
  std::optional<time_point> disabled = {}; ///< since then nothing is queued for it
  std::string disabled_why;
  std::optional<delivery_report> last = {};
  std::optional<time_point> succeeded = {}; ///< the latest accepted delivery
  std::uint64_t given_up = 0;               ///< deliveries given up after their last try
  std::uint64_t pending = 0;                ///< waiting deliveries; ignored by add()
  std::optional<time_point> next_try = {};  ///< of those; ignored by add()

  friend bool operator==(const webhook_record&, const webhook_record&) = default;
};

/// A pending delivery with its target.
struct delivery {
  std::string id; ///< the same at each try
  webhook_id to;
  std::string url;
  std::string secret;
  domain::webhook_event event = domain::webhook_event::ping;
  std::string payload;
  int tries = 0;  ///< failed tries
  time_point due; ///< earliest time of the next try

  friend bool operator==(const delivery&, const delivery&) = default;
};

/// The outcome of a delivery.
struct delivery_outcome {
  std::string id;
  webhook_id to;
  delivery_report report;
  std::optional<time_point> again = {}; ///< if it failed: the next try; nullopt: given up
  bool disable = false;                 ///< its receiver refuses further events
};

} // namespace kiln::store

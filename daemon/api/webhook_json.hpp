// SPDX-License-Identifier: Apache-2.0
//
// Webhooks between JSON and the store: pure.
#pragma once

#include "domain/job.hpp"
#include "store/webhook_record.hpp"

#include <boost/json/object.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace kiln::api {

/// The body of POST /v1/webhooks; the caller checks whether its target is allowed.
struct webhook_request {
  std::string url;
  std::vector<domain::webhook_event> events;
  std::optional<std::string> secret = {}; ///< suitable for signatures
};
[[nodiscard]] std::variant<webhook_request, std::vector<domain::field_error>>
parse_webhook(std::string_view body);

/// Without its secret.
[[nodiscard]] boost::json::object format_webhook(const store::webhook_record& of);

/// The body of a delivery: {"type":"job.succeeded","timestamp":"…","data":{"job":{…}}}, where the job has the
/// members of GET /v1/jobs/ID that describe its outcome.
[[nodiscard]] std::string format_job_event(const store::job_record& job, domain::webhook_event event,
                                           store::time_point when);
/// {"type":"ping","timestamp":"…","data":{"webhook":"w…"}}
[[nodiscard]] std::string format_ping(const webhook_id& to, store::time_point when);

} // namespace kiln::api

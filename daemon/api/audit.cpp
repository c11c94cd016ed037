// SPDX-License-Identifier: Apache-2.0
#include "api/audit.hpp"

#include "base/ids.hpp"
#include "http/trace_context.hpp"

#include <fmt/format.h>

namespace kiln::api {
namespace {

constexpr std::size_t longest_path = 200;

/// The job named by a path, or by a field of the answer (Location, Link).
std::string job_in(std::string_view text) {
  constexpr std::string_view jobs = "/v1/jobs/";
  const auto at = text.find(jobs);
  const auto id = at == std::string_view::npos ? std::nullopt
                                               : job_id::parse(text.substr(at + jobs.size(), job_id::length));
  return id ? id->str() : std::string{};
}

/// The id of another created resource.
std::string location_in(std::string_view head) {
  constexpr std::string_view field = "\r\nLocation: ";
  const auto at = head.find(field);
  if (at == std::string_view::npos)
    return {};
  const auto begin = at + field.size();
  return std::string{head.substr(begin, head.find('\r', begin) - begin)};
}

} // namespace

std::string format_audit(const http::request& asked, const http::prebuilt& given,
                         std::string_view request_id) {
  if (given.status() == 401 || given.status() == 429)
    return {};
  const auto* name = asked.by && !asked.by->name.empty() ? asked.by->name.c_str() : "-";
  auto line = fmt::format("audit by={} from={} method={} path={}", name, asked.peer, asked.method,
                          asked.path.substr(0, longest_path));
  auto job = job_in(asked.path);
  if (job.empty())
    job = job_in(given.head());
  if (!job.empty())
    line += " job=" + job;
  else if (const auto made = location_in(given.head()); !made.empty())
    line += " made=" + made;
  line += fmt::format(" status={} request={}", given.status(), request_id);
  if (const auto trace = http::trace_id_of(asked); !trace.empty())
    line += fmt::format(" trace_id={}", trace);
  return line;
}

} // namespace kiln::api

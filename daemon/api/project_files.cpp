// SPDX-License-Identifier: Apache-2.0
#include "api/project_files.hpp"

#include "api/answers.hpp"
#include "api/job_json.hpp"
#include "api/query.hpp"

#include <boost/json/array.hpp>
#include <boost/url/encode.hpp>
#include <boost/url/rfc/unreserved_chars.hpp>

#include <array>
#include <chrono>
#include <utility>

namespace kiln::api {
namespace {

boost::json::object format_entry(const kiln::blends::project_entry& of) {
  if (of.is_directory)
    return {{"path", of.path}, {"type", "directory"}};
  const store::time_point changed{std::chrono::milliseconds{of.changed_ms}};
  return {{"path", of.path}, {"type", "blend"}, {"bytes", of.bytes}, {"modified_at", format_time(changed)}};
}

} // namespace

void project_files::add_routes(http::service& to) {
  to.on("GET", "/v1/files", access::role::submit, [this](const http::request& asked) { return list(asked); });
}

aio::task<http::answer> project_files::list(const http::request& asked) {
  constexpr std::array<std::string_view, 3> known{"path", "limit", "cursor"};
  auto parameters = parse_parameters(asked.query, known);
  const auto limit = parameters ? parse_limit(*parameters) : parameters.error();
  if (!limit)
    co_return problem(400, limit.error().message);
  auto path = (*parameters)["path"];
  while (path.ends_with('/') && path != "/")
    path.pop_back();
  auto after = (*parameters)["cursor"];
  auto found = co_await finder_.list(std::move(path), std::move(after), *limit, asked.by);
  if (!found)
    co_return refusal_of(found.error());
  boost::json::array entries;
  for (const auto& entry : found->entries)
    entries.push_back(format_entry(entry));
  auto shown = json_answer(200, boost::json::object{{"files", std::move(entries)}});
  if (found->has_more) {
    const auto& last = found->entries.back().path;
    const auto cursor = boost::urls::encode(last.substr(last.rfind('/') + 1), boost::urls::unreserved_chars);
    shown.fields.emplace_back("Link", next_page("/v1/files", asked.query, cursor));
  }
  co_return shown;
}

} // namespace kiln::api

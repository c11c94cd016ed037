// SPDX-License-Identifier: Apache-2.0
#include "api/job_lists.hpp"

#include "api/answers.hpp"
#include "api/job_json.hpp"
#include "api/query.hpp"

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace kiln::api {
namespace {

namespace json = boost::json;
using access::role;
using domain::job_state;
using http::answer;
using parameters = std::map<std::string, std::string>;

constexpr std::ptrdiff_t longest_search = 200; // characters
constexpr std::array all_states{job_state::queued,    job_state::running, job_state::paused,
                                job_state::succeeded, job_state::failed,  job_state::canceled};

std::string text_of(const parameters& from, const char* name) {
  const auto found = from.find(name);
  return found == from.end() ? std::string{} : found->second;
}

/// "queued,running": each once, in any order.
result<std::vector<job_state>> parse_states(std::string_view text) {
  std::vector<job_state> found;
  for (bool more = !text.empty(); more;) {
    const auto end = text.find(',');
    const auto state = domain::parse_job_state(text.substr(0, end));
    if (!state)
      return error{errc::invalid_input, "state must be of queued, running, paused, succeeded, failed and "
                                        "canceled, with commas between them"};
    if (std::ranges::find(found, *state) == found.end())
      found.push_back(*state);
    more = end != std::string_view::npos;
    text.remove_prefix(more ? end + 1 : 0);
  }
  return found;
}

struct wish {
  store::job_filter filter;
  bool is_short = false; ///< each job as a row of a few fields
};

result<wish> parse_wish(std::string_view query) {
  constexpr std::array<std::string_view, 8> known{"q",    "state",  "tag",   "owner",
                                                  "sort", "fields", "limit", "cursor"};
  const auto given = parse_parameters(query, known);
  if (!given)
    return given.error();
  wish wanted;
  auto& filter = wanted.filter;
  const bool has_states = given->contains("state");
  auto of_states = parse_states(text_of(*given, "state"));
  if (!of_states || (has_states && of_states->empty()))
    return of_states ? error{errc::invalid_input, "state must not be empty"} : of_states.error();
  filter.states = std::move(*of_states);
  filter.tag = text_of(*given, "tag");
  filter.owner = text_of(*given, "owner");
  filter.words = text_of(*given, "q");
  const auto begins = [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80; }; // in UTF-8
  if (std::ranges::count_if(filter.words, begins) > longest_search)
    return error{errc::invalid_input, fmt::format("q must not be longer than {} characters", longest_search)};
  if (std::ranges::any_of(filter.words,
                          [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }))
    return error{errc::invalid_input, "q must not hold control characters"};
  const auto sort = text_of(*given, "sort");
  if (given->contains("sort") && sort != "created" && sort != "-created")
    return error{errc::invalid_input, "sort must be created (the oldest first) or -created"};
  filter.oldest_first = sort == "created";
  if (given->contains("fields") && text_of(*given, "fields") != "summary")
    return error{errc::invalid_input, "fields must be summary"};
  wanted.is_short = given->contains("fields");
  if (given->contains("cursor")) {
    filter.cursor = job_id::parse(text_of(*given, "cursor"));
    if (!filter.cursor)
      return error{errc::invalid_input, "cursor is not one that was given in a Link"};
  }
  const auto limit = parse_limit(*given);
  if (!limit)
    return limit.error();
  filter.limit = *limit;
  return wanted;
}

} // namespace

void job_lists::add_routes(http::service& to) {
  using http::request;
  to.on("GET", "/v1/jobs", role::read, [this](const request& asked) { return list(asked); });
  to.on("GET", "/v1/jobs/summary", role::read, [this](const request& asked) { return count(asked); });
}

aio::task<answer> job_lists::list(const http::request& asked) {
  auto wanted = parse_wish(asked.query);
  if (!wanted)
    co_return problem(400, wanted.error().message);
  const bool is_short = wanted->is_short;
  auto& filter = wanted->filter;
  const auto limit = filter.limit++; // one more entry shows whether there is a next page
  const auto found = co_await scheduler_.list(std::move(filter));
  if (!found)
    co_return refusal_of(found.error());
  row_list rows{"jobs"};
  std::string last;
  for (const auto& of : *found) {
    const job_now now{scheduler_.time_left(*of), scheduler_.waits_for(*of)};
    if (rows.size() == limit || !rows.add(is_short ? format_job_row(*of, now) : format_job(*of, now)))
      break;
    last = of->id.str();
  }
  const bool has_next = rows.size() < found->size();
  auto shown = std::move(rows).answer();
  if (has_next)
    shown.fields.emplace_back("Link", next_page("/v1/jobs", asked.query, last));
  co_return shown;
}

aio::task<answer> job_lists::count(const http::request& asked) {
  constexpr std::array<std::string_view, 1> known{"owner"};
  const auto given = parse_parameters(asked.query, known);
  if (!given)
    co_return problem(400, given.error().message);
  auto owner = text_of(*given, "owner");
  const auto counted = co_await store_.count(std::move(owner));
  if (!counted)
    co_return refusal_of(counted.error());
  json::object jobs;
  std::size_t total = 0;
  for (const auto state : all_states) {
    const auto found = counted->find(state);
    const auto number = found == counted->end() ? 0 : found->second;
    jobs[domain::to_string(state)] = number;
    total += number;
  }
  json::object body;
  body["jobs"] = std::move(jobs);
  body["total"] = total;
  co_return json_answer(200, body);
}

} // namespace kiln::api

// SPDX-License-Identifier: Apache-2.0
#include "base/number.hpp"
#include "client/download.hpp"
#include "client/job_view.hpp"
#include "client/listing.hpp"
#include "client/patience.hpp"
#include "client/problem.hpp"
#include "client/progress.hpp"
#include "client/table.hpp"
#include "client/undertaking.hpp"
#include "kiln/session.hpp"

#include <boost/json/serialize.hpp>
#include <boost/url/encode.hpp>
#include <boost/url/rfc/unreserved_chars.hpp>
#include <fmt/format.h>

namespace kiln::command {
namespace {

namespace json = boost::json;
using client::exit_status;
using client::failure;
using client::job_view;
using client::row;

/// The members of a list in all of its pages.
json::array members_of(const std::vector<json::value>& pages, std::string_view name) {
  json::array out;
  for (const auto& page : pages)
    if (const auto* all = page.is_object() ? page.get_object().if_contains(name) : nullptr;
        all && all->is_array())
      out.insert(out.end(), all->get_array().begin(), all->get_array().end());
  return out;
}

void print_rows(session& s, const row& names, const std::vector<row>& rows) {
  s.screen.print(s.screen.shows_tables() ? client::format_table(names, rows) : client::format_tabs(rows));
}

std::string left_of(const job_view& job) {
  return job.seconds_left ? client::format_time_left(*job.seconds_left) : "";
}

aio::task<result<exit_status>> list(session& s) {
  std::string path = "/v1/jobs";
  const auto add = [&](std::string_view name, const std::string& value) {
    if (!value.empty())
      path += fmt::format("{}{}={}", path.find('?') == std::string::npos ? '?' : '&', name,
                          boost::urls::encode(value, boost::urls::unreserved_chars));
  };
  add("state", s.asked.state);
  add("tag", s.asked.tag);
  add("owner", s.asked.owner);
  std::string doing = "the list of jobs";
  const auto pages = co_await client::read_pages(s.kilnd, path, doing, s.asked.limit);
  if (!pages)
    co_return pages.error();
  auto jobs = members_of(*pages, "jobs");
  if (s.asked.json) {
    print_json(s, json::object{{"jobs", std::move(jobs)}});
    co_return exit_status::succeeded;
  }
  std::vector<row> rows;
  for (const auto& one : jobs) {
    const auto job = client::read_job(one);
    rows.push_back({job.id, job.state, fmt::format("{}/{}", job.done, job.total), left_of(job),
                    job.created_at.substr(0, 19), job.owner, job.name});
  }
  print_rows(s, {"ID", "STATE", "FRAMES", "LEFT", "CREATED (UTC)", "OWNER", "NAME"}, rows);
  co_return exit_status::succeeded;
}

aio::task<result<exit_status>> list_frames(session& s, std::string id) {
  std::string path = fmt::format("/v1/jobs/{}/frames", id);
  std::string doing = "the list of frames";
  const auto pages = co_await client::read_pages(s.kilnd, path, doing, client::everything);
  if (!pages)
    co_return pages.error();
  auto frames = members_of(*pages, "frames");
  if (s.asked.json) {
    print_json(s, json::object{{"frames", std::move(frames)}});
    co_return exit_status::succeeded;
  }
  std::vector<row> rows;
  for (const auto& one : frames) {
    const auto* frame = one.if_object();
    const auto cell = [&](std::string_view name) {
      const auto* value = frame ? frame->if_contains(name) : nullptr;
      if (!value || value->is_null())
        return std::string{};
      return value->is_string() ? std::string{value->get_string()} : json::serialize(*value);
    };
    const auto* seconds = frame ? frame->if_contains("seconds") : nullptr;
    const auto spent =
        seconds && seconds->is_number() ? fmt::format("{:.1f}", seconds->to_number<double>()) : "";
    rows.push_back({cell("frame"), cell("state"), cell("tries"), spent, cell("bytes")});
  }
  print_rows(s, {"FRAME", "STATE", "TRIES", "SECONDS", "BYTES"}, rows);
  co_return exit_status::succeeded;
}

aio::task<result<exit_status>> show(session& s, std::string id) {
  client::request what;
  what.path = "/v1/jobs/" + id;
  std::string doing = "the job";
  const auto body = co_await s.kilnd.ask_json(what, doing);
  if (!body)
    co_return body.error();
  if (s.asked.json) {
    print_json(s, *body);
    co_return exit_status::succeeded;
  }
  const auto job = client::read_job(*body);
  std::vector<row> rows{
      {"id", job.id},
      {"state", job.state},
      {"frames", fmt::format("{} ({}/{} done, {} failed)", job.frames, job.done, job.total, job.failed)},
      {"priority", std::to_string(job.priority)},
      {"created", job.created_at}};
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty())
      rows.push_back({name, value});
  };
  add("name", job.name);
  add("owner", job.owner);
  add("left", left_of(job));
  add("waits", job.waits_for);
  add("failure", job.failure);
  for (const auto& warning : job.warnings)
    add("warning", warning);
  if (!s.screen.shows_tables()) {
    s.screen.print(client::format_tabs(rows));
    co_return exit_status::succeeded;
  }
  for (const auto& one : rows)
    s.screen.print(fmt::format("{:<9} {}\n", one[0], one[1]));
  co_return exit_status::succeeded;
}

/// The request that changes a job as a verb says.
client::request change(std::string_view verb, const std::string& id) {
  client::request what;
  what.path = "/v1/jobs/" + id;
  if (verb == "pause" || verb == "resume") {
    what.method = "PATCH";
    what.fields.emplace_back("Content-Type", "application/merge-patch+json");
    what.body = verb == "pause" ? R"({"paused":true})" : R"({"paused":false})";
  } else if (verb == "rm") {
    what.method = "DELETE";
  } else { // cancel, retry
    what.method = "POST";
    what.path += "/" + std::string{verb};
  }
  return what;
}

/// All jobs are changed that can be; the first failure is the outcome.
aio::task<result<exit_status>> change_all(session& s) {
  std::optional<error> first;
  const auto last = last_job(s);
  for (const auto& word : s.asked.ids) {
    const auto id = co_await client::find_job(s.kilnd, word, last);
    std::optional<error> wrong;
    if (id) {
      const auto what = change(s.asked.verb, *id);
      const auto doing = fmt::format("{} of {}", s.asked.verb, *id);
      const auto got = co_await s.kilnd.ask_well(what, doing);
      if (!got)
        wrong = got.error();
      else if (s.asked.json)
        s.screen.print(got->body.empty() ? fmt::format("{{\"id\":\"{}\"}}\n", *id) : got->body + "\n");
      else
        s.screen.print(*id + "\n");
    } else {
      wrong = id.error();
    }
    if (!wrong)
      continue;
    if (first)
      s.screen.say("kiln: " + wrong->message);
    else
      first = std::move(wrong);
  }
  if (first)
    co_return std::move(*first);
  co_return exit_status::succeeded;
}

aio::task<result<exit_status>> print_log(session& s, std::string id) {
  constexpr int unsatisfiable = 416;
  constexpr std::chrono::seconds hold{60};
  constexpr std::chrono::seconds if_unsaid{1};
  std::string doing = "the log";
  std::uint64_t at = 0, begun_at = 0;
  const auto unwritable =
      failure(exit_status::incomplete, "the log cannot be written to the standard output");
  std::uint64_t passed = 0; // of the log, by this exchange: one that broke is repeated from its beginning
  client::body_sink sink;
  sink.begin = [&](const client::answer&) -> result<void> {
    passed = begun_at;
    return {};
  };
  sink.add = [&](std::string_view piece) -> result<void> {
    const auto known = at > passed ? std::min<std::uint64_t>(at - passed, piece.size()) : 0;
    passed += piece.size();
    piece.remove_prefix(known);
    at += piece.size();
    if (!s.screen.print(piece))
      return unwritable;
    return {};
  };
  for (;;) {
    begun_at = at;
    client::request what;
    what.path = fmt::format("/v1/jobs/{}/log", id);
    if (s.asked.follow) {
      what.held_for = hold;
      what.fields.emplace_back("Prefer", fmt::format("wait={}", hold.count()));
      what.fields.emplace_back("Range", fmt::format("bytes={}-", at));
    }
    const auto got = co_await s.kilnd.ask(what, sink);
    if (!got)
      co_return got.error();
    if (got->status / 100 != 2 && got->status != unsatisfiable)
      co_return client::explain(*got, s.kilnd.to(), doing);
    if (!s.asked.follow)
      co_return exit_status::succeeded;
    if (got->status == unsatisfiable) { // nothing new
      const auto again = client::retry_after_of(*got);
      if (!again)
        co_return exit_status::succeeded; // the job has ended
      if (!got->find("preference-applied"))
        co_await s.kilnd.pause(std::max(*again, if_unsaid));
    }
  }
}

aio::task<result<exit_status>> get(session& s, std::string id) {
  auto home = client::download::into(s.asked.directory, path_printer(s));
  if (!home)
    co_return home.error();
  const auto before = client::read_undertaking(home->record());
  if (!before)
    co_return before.error();
  if (*before && !(**before).job.empty() && (**before).job != id)
    co_return failure(exit_status::usage, fmt::format("{} has frames of job {}: choose another directory",
                                                      s.asked.directory.native(), (**before).job));
  if (!*before) {
    const client::undertaking mine{.url = s.kilnd.to().text, .command = {}, .key = {}, .job = id};
    const auto written = client::write_undertaking(home->record(), mine);
    if (!written)
      co_return failure(exit_status::incomplete, written.error().message);
  }
  if (s.asked.wait)
    co_return co_await follow(s, id, &*home);
  const auto fetched = co_await home->fetch_done(s.kilnd, id);
  if (!fetched)
    co_return fetched.error();
  client::request what;
  what.path = "/v1/jobs/" + id;
  std::string doing = "the job";
  const auto body = co_await s.kilnd.ask_json(what, doing);
  if (!body)
    co_return body.error();
  if (s.asked.json)
    print_json(s, *body);
  const auto job = client::read_job(*body);
  if (job.done == job.total)
    co_return exit_status::succeeded;
  co_return failure(exit_status::incomplete,
                    fmt::format("the job is {}, and {} of its {} frames are not done: {}", job.state,
                                job.total - job.done, job.total,
                                job.is_final() ? fmt::format("`kiln retry {}` renders them", id)
                                               : std::string{"say --wait, or repeat the command later"}));
}

} // namespace

aio::task<result<exit_status>> run_on_jobs(session& s) {
  const auto& verb = s.asked.verb;
  if (verb == "ls")
    co_return co_await list(s);
  if (verb == "cancel" || verb == "pause" || verb == "resume" || verb == "retry" || verb == "rm")
    co_return co_await change_all(s);
  const auto last = last_job(s);
  const auto& word = s.asked.ids.front();
  const auto id = co_await client::find_job(s.kilnd, word, last);
  if (!id)
    co_return id.error();
  if (verb == "show")
    co_return co_await show(s, *id);
  if (verb == "wait")
    co_return co_await follow(s, *id, nullptr);
  if (verb == "log")
    co_return co_await print_log(s, *id);
  if (verb == "get")
    co_return co_await get(s, *id);
  co_return co_await list_frames(s, *id);
}

} // namespace kiln::command

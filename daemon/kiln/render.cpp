// SPDX-License-Identifier: Apache-2.0
#include "client/blend_source.hpp"
#include "client/download.hpp"
#include "client/job_ids.hpp"
#include "client/job_view.hpp"
#include "client/problem.hpp"
#include "client/undertaking.hpp"
#include "digest/sha256.hpp"
#include "kiln/session.hpp"

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <system_error>

namespace kiln::command {
namespace {

namespace fs = std::filesystem;
using client::exit_status;
using client::failure;

constexpr int not_found = 404;

/// POST /v1/jobs with this .blend: the answer, which may be a refusal. The key is one for each body, so that
/// a job that is refused in place can be sent with an upload.
aio::task<result<client::answer>> post_job(session& s, boost::json::object job, std::string blend,
                                           std::string key) {
  job["blend"] = blend;
  client::request what;
  what.method = "POST";
  what.path = "/v1/jobs";
  what.body = boost::json::serialize(job);
  constexpr std::size_t digits = 16;
  what.fields.emplace_back("Content-Type", "application/json");
  what.fields.emplace_back("Idempotency-Key", key + "-" + digest::sha256(what.body).substr(0, digits));
  co_return co_await s.kilnd.ask(what);
}

bool refuses_the_blend(const client::answer& a) {
  return std::ranges::any_of(client::field_problems(a),
                             [](const client::field_problem& one) { return one.pointer == "/blend"; });
}

/// Sends the job: its JSON.
aio::task<result<boost::json::value>> send_job(session& s, const client::blend_source& blend,
                                               boost::json::object job, std::string key) {
  std::optional<client::answer> given;
  if (client::is_loopback(s.kilnd.to().url) && !s.asked.upload) {
    const auto in_place = co_await post_job(s, job, blend.path().native(), key);
    if (!in_place)
      co_return in_place.error();
    if (!refuses_the_blend(*in_place))
      given = *in_place;
  }
  if (!given) {
    const auto id = co_await blend.bring_to(s.kilnd, s.notices());
    if (!id)
      co_return id.error();
    const auto uploaded = co_await post_job(s, job, *id, key);
    if (!uploaded)
      co_return uploaded.error();
    given = *uploaded;
  }
  if (given->status / 100 != 2)
    co_return client::explain(*given, s.kilnd.to(), "the job");
  co_return client::json_of(*given, s.kilnd.to());
}

/// Whether kilnd still has a job.
aio::task<result<bool>> still_has(session& s, std::string id) {
  client::request what;
  what.path = "/v1/jobs/" + id;
  const auto got = co_await s.kilnd.ask(what);
  if (!got)
    co_return got.error();
  if (got->status != not_found && got->status / 100 != 2)
    co_return client::explain(*got, s.kilnd.to(), "the job");
  co_return got->status != not_found;
}

/// What this command has begun before, or a new undertaking.
result<client::undertaking> begin(session& s, const fs::path& record, const std::string& command) {
  client::undertaking fresh{
      .url = s.kilnd.to().text, .command = command, .key = client::make_key(), .job = {}};
  if (record.empty())
    return fresh;
  auto before = client::read_undertaking(record);
  if (!before)
    return before.error();
  if (!*before || s.asked.again)
    return fresh;
  const auto& known = **before;
  if (known.command != command || known.url != fresh.url)
    return failure(
        exit_status::usage,
        fmt::format("{} has frames of another scene, other settings or another kilnd{}: choose another "
                    "directory, or say --again for a new job",
                    record.parent_path().native(),
                    known.job.empty() ? "" : fmt::format(" (job {})", known.job)));
  return known;
}

result<void> write(const fs::path& record, const client::undertaking& what) {
  if (record.empty())
    return {};
  if (const auto written = client::write_undertaking(record, what); !written)
    return failure(exit_status::usage, written.error().message +
                                           ": kiln keeps there what it has begun; XDG_STATE_HOME=DIR, or a "
                                           "DIR of --download that can be written, says where else");
  return {};
}

} // namespace

aio::task<result<exit_status>> run_render(session& s) {
  const auto blend = client::blend_source::open(s.asked.file);
  if (!blend)
    co_return blend.error();
  const auto job = client::make_job(s.asked.job);
  if (!job)
    co_return job.error();
  const auto command =
      digest::sha256(s.kilnd.to().text + "\n" + blend->identity() + "\n" + boost::json::serialize(*job));

  std::optional<client::download> home;
  fs::path record = s.state.empty() ? fs::path{} : s.state / "begun" / (command + ".json");
  if (!s.asked.directory.empty()) {
    auto opened = client::download::into(s.asked.directory, path_printer(s));
    if (!opened)
      co_return opened.error();
    home.emplace(std::move(*opened));
    record = home->record();
  }
  auto mine = begin(s, record, command);
  if (!mine)
    co_return mine.error();
  if (!mine->job.empty()) {
    const auto known = co_await still_has(s, mine->job);
    if (!known)
      co_return known.error();
    if (*known)
      s.screen.tell(fmt::format("kiln: going on with job {} (--again makes a new one)", mine->job));
    else
      *mine = client::undertaking{.url = mine->url, .command = command, .key = client::make_key(), .job = {}};
  }
  boost::json::value sent;
  if (mine->job.empty()) {
    auto written = write(record, *mine); // before the request: it is repeated with the same key after a crash
    if (!written)
      co_return written.error();
    auto made = co_await send_job(s, *blend, *job, mine->key);
    if (!made)
      co_return made.error();
    sent = std::move(*made);
    mine->job = client::read_job(sent).id;
    if (!client::is_begin_of_id(mine->job))
      co_return client::not_as_kilnd(s.kilnd.to());
    written = write(record, *mine);
    if (!written)
      co_return written.error();
  }
  remember_last(s, mine->job); // also if an earlier run of this command was killed before it could
  const bool waits = s.asked.wait || home || s.asked.timeout || (s.screen.is_terminal() && !s.asked.no_wait);
  auto status = exit_status::succeeded;
  if (waits) {
    s.screen.tell("job " + mine->job);
    const auto ended = co_await follow(s, mine->job, home ? &*home : nullptr);
    if (!ended)
      co_return ended.error();
    status = *ended;
  } else if (s.asked.json && !sent.is_null()) {
    print_json(s, sent);
  } else {
    s.screen.print(mine->job + "\n");
  }
  if (!home && !record.empty()) { // the same command is a new job from now on
    std::error_code ignored;
    fs::remove(record, ignored);
  }
  co_return status;
}

} // namespace kiln::command

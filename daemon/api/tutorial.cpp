// SPDX-License-Identifier: Apache-2.0
#include "api/tutorial.hpp"

#include "api/answers.hpp"
#include "api/job_json.hpp"
#include "api/media_type.hpp"
#include "api/problem.hpp"
#include "base/number.hpp"
#include "http/trace_context.hpp"

#include <fmt/format.h>

namespace kiln::api {
namespace {

using access::role;
using domain::job_state;
using http::answer;
using http::response;
using scheduler::job;

constexpr const char* text_type = "text/plain; charset=utf-8";

response text(int status, std::string body) {
  return {.status = status, .content_type = text_type, .body = std::move(body)};
}

/// The address of a job: with its pid once it has one, as in the tutorial.
std::string location_of(const job& of) {
  return fmt::format("/job/{}", of.pid ? std::to_string(*of.pid) : of.id.str());
}

void add_links(response& to, const job& of) {
  if (!domain::is_final(of.state))
    to.fields.emplace_back("Location", location_of(of));
  to.fields.emplace_back("Link", fmt::format("</v1/jobs/{}>; rel=\"alternate\"", of.id.str()));
}

response status_of_job(const job& of) {
  switch (of.state) {
  case job_state::queued:
  case job_state::running:
  case job_state::paused:
    return text(202, "Job still running");
  case job_state::succeeded:
    return text(200, "Job completed");
  case job_state::failed:
    return text(200, "Job failed: " + (of.failure ? of.failure->message : std::string{}));
  case job_state::canceled:
    return text(200, "Job canceled");
  }
  return text(500, "");
}

std::optional<pid_t> parse_pid(std::string_view text) {
  return parse_number<pid_t>(text, 1);
}

} // namespace

tutorial::tutorial(scheduler::scheduler& jobs, poll_delay& ends, kiln::blends::blend_finder& blends,
                   std::optional<domain::job_spec> every_job)
    : jobs_(jobs), ends_(ends), blends_(blends), every_job_(std::move(every_job)),
      not_found_(std::make_shared<const http::prebuilt>(text(400, "Job not found"))) {}

void tutorial::add_routes(http::service& to) {
  to.on("POST", "/job", role::submit, [this](const http::request& asked) { return create(asked); });
  to.on("GET", "/job/{id}", role::read, [this](const http::request& asked) { return read(asked); });
}

aio::task<answer> tutorial::create(const http::request& asked) {
  if (!is_json(asked.find("Content-Type")))
    co_return text(400, "Invalid input: the body must be sent as Content-Type: application/json");
  auto frames = parse_frame_range(asked.body);
  if (!frames)
    co_return text(400, "Invalid input: " + frames.error().message);
  if (!every_job_)
    co_return text(400, "Invalid input: kilnd has no .blend for /job (--blend); use /v1/jobs");
  const bool may = co_await blends_.may_use(every_job_->blend, asked.by);
  if (!may)
    co_return text(403, "Forbidden: " + outside_projects(*asked.by));
  auto spec = *every_job_;
  spec.frames = std::move(*frames);
  spec.trace_id = http::trace_id_of(asked);
  const auto taken = co_await jobs_.submit(std::move(spec), asked.by->name);
  if (!taken) {
    if (taken.error().code == errc::invalid_input)
      co_return text(400, "Invalid input: " + taken.error().message);
    const answer refused{text(status_of(taken.error()), "Not now: " + taken.error().message),
                         jobs_.retry_after_refusal()};
    co_return refused;
  }
  const job& made = **taken;
  response accepted{
      .status = 202, .content_type = json_type, .body = format_accepted(made.pid, made.id, made.state)};
  accepted.fields.emplace_back("Location", location_of(made));
  accepted.fields.emplace_back("Link", fmt::format("</v1/jobs/{}>; rel=\"alternate\"", made.id.str()));
  // The status of a job that has ended already can be requested at once.
  const answer given{accepted, domain::is_final(made.state) ? 1 : jobs_.retry_after(made)};
  co_return given;
}

http::reply tutorial::read(const http::request& asked) {
  scheduler::scheduler::job_ptr found;
  if (const auto pid = parse_pid(asked.id))
    found = jobs_.find_by_pid(*pid);
  else if (const auto id = job_id::parse(asked.id))
    found = jobs_.find(*id);
  else
    return not_found_;
  if (!found)
    return read_kept(std::string{asked.id});
  const auto built = answers_.find(found->id);
  if (domain::is_final(found->state)) {
    ends_.told(found->id);
    return answer{built->second};
  }
  return answer{built->second, jobs_.retry_after(*found)};
}

/// The answer for a job that is no longer in memory.
aio::task<answer> tutorial::read_kept(std::string id) {
  const auto pid = parse_pid(id);
  auto looked_up = pid ? jobs_.look_up_by_pid(*pid) : jobs_.look_up(*job_id::parse(id));
  const auto found = co_await std::move(looked_up);
  if (!found && found.error().code == errc::not_found)
    co_return not_found_;
  if (!found) {
    const answer refused{text(503, "Not now: the job's state cannot be read"), jobs_.retry_after_refusal()};
    co_return refused;
  }
  auto status = status_of_job(**found);
  add_links(status, **found);
  const answer given{status, domain::is_final((*found)->state) ? std::nullopt
                                                               : std::optional{jobs_.retry_after(**found)}};
  co_return given;
}

void tutorial::on_change(const job& changed) {
  auto status = status_of_job(changed);
  add_links(status, changed);
  answers_.insert_or_assign(changed.id, std::make_shared<const http::prebuilt>(status));
}

void tutorial::on_forgotten(const job& gone) {
  answers_.erase(gone.id);
}

} // namespace kiln::api

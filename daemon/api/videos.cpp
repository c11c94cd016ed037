// SPDX-License-Identifier: Apache-2.0
#include "api/videos.hpp"

#include "api/answers.hpp"
#include "api/media_type.hpp"
#include "api/video_json.hpp"

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include <utility>

namespace kiln::api {
namespace {

using access::role;
using http::answer;
using http::response;

constexpr int video_poll = 2; // seconds

bool is_under_way(const preview::video& of) {
  return of.state == "queued" || of.state == "running";
}

answer show(int status, const job_id& job, const preview::video& of) {
  auto shown = json_answer(status, format_job_video(job.str(), of));
  if (status == 202)
    shown.fields.emplace_back("Location", fmt::format("/v1/jobs/{}/videos/{}", job.str(), of.id));
  return {shown, is_under_way(of) ? std::optional{video_poll} : std::nullopt};
}

} // namespace

void videos::add_routes(http::service& to) {
  using http::request;
  to.on("POST", "/v1/jobs/{id}/videos", role::submit, [this](const request& asked) { return make(asked); });
  to.on("GET", "/v1/jobs/{id}/videos", role::read, [this](const request& asked) { return list(asked); });
  to.on("GET", "/v1/jobs/{id}/videos/{video}", role::read,
        [this](const request& asked) { return read(asked); });
  to.on("GET", "/v1/jobs/{id}/videos/{video}/file", role::read,
        [this](const request& asked) { return file(asked); });
  to.on("DELETE", "/v1/jobs/{id}/videos/{video}", role::submit,
        [this](const request& asked) { return remove(asked); });
}

aio::task<answer> videos::make(const http::request& asked) {
  const auto of = co_await find_job(scheduler_, asked);
  if (!of)
    co_return refusal_of(of.error());
  if (auto refused = refuse_others(asked, **of))
    co_return std::move(*refused);
  if (!is_json(asked.find("Content-Type")))
    co_return not_json();
  auto parsed = parse_video_request(asked.body, fps_of((*of)->report));
  if (const auto* wrong = std::get_if<std::vector<domain::field_error>>(&parsed))
    co_return field_problem(*wrong);
  std::vector<int> frames;
  for (const int frame : (*of)->spec.frames)
    frames.push_back(frame);
  auto wanted = std::get<preview::video_settings>(std::move(parsed));
  auto made = co_await videos_.make((*of)->id, std::move(frames), std::move(wanted));
  if (made)
    co_return show(is_under_way(*made) ? 202 : 200, (*of)->id, *made);
  if (made.error().code == errc::unsupported)
    co_return problem(501, made.error().message);
  if (made.error().code == errc::conflict && !domain::is_final((*of)->state))
    co_return answer{problem(409, made.error().message), scheduler_.retry_after(**of)};
  co_return refusal_of(made.error());
}

aio::task<answer> videos::list(const http::request& asked) {
  const auto of = co_await find_job(scheduler_, asked);
  if (!of)
    co_return refusal_of(of.error());
  const auto found = co_await videos_.list((*of)->id);
  boost::json::array all;
  for (const auto& one : found)
    all.push_back(format_job_video((*of)->id.str(), one));
  boost::json::object body;
  body["videos"] = std::move(all);
  co_return json_answer(200, body);
}

aio::task<answer> videos::read(const http::request& asked) {
  const auto of = co_await find_job(scheduler_, asked);
  if (!of)
    co_return refusal_of(of.error());
  auto name = std::string{asked.item};
  const auto found = co_await videos_.find((*of)->id, std::move(name));
  if (!found)
    co_return refusal_of(found.error());
  co_return show(200, (*of)->id, *found);
}

aio::task<answer> videos::file(const http::request& asked) {
  const auto of = co_await find_job(scheduler_, asked);
  if (!of)
    co_return refusal_of(of.error());
  auto name = std::string{asked.item};
  auto opened = co_await videos_.open((*of)->id, std::move(name));
  if (!opened)
    co_return refusal_of(opened.error());
  response head{.status = 200,
                .content_type = opened->name.ends_with(".webm") ? "video/webm" : "video/mp4",
                .body = {},
                .cache_control = "private, no-cache"};
  head.fields.emplace_back("Content-Disposition",
                           fmt::format("inline; filename=\"{}-{}\"", (*of)->id.str(), opened->name));
  co_return file_answer(asked, std::move(head), std::move(*opened), "the video");
}

aio::task<answer> videos::remove(const http::request& asked) {
  const auto of = co_await find_job(scheduler_, asked);
  if (!of)
    co_return refusal_of(of.error());
  if (auto refused = refuse_others(asked, **of))
    co_return std::move(*refused);
  auto name = std::string{asked.item};
  const auto gone = co_await videos_.remove((*of)->id, std::move(name));
  if (!gone)
    co_return refusal_of(gone.error());
  co_return response{.status = 204, .content_type = {}, .body = {}};
}

} // namespace kiln::api

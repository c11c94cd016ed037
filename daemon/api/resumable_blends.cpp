// SPDX-License-Identifier: Apache-2.0
//
// Uploads of .blend files in several requests (draft-ietf-httpbis-resumable-upload).
#include "api/answers.hpp"
#include "api/blends.hpp"
#include "api/media_type.hpp"
#include "base/number.hpp"

#include <fmt/format.h>

#include <utility>

namespace kiln::api {
namespace {

using access::role;
using http::answer;
using http::response;
using kiln::blends::resumable_uploads;

constexpr std::string_view unfinished_path = "/v1/blends/unfinished/";
constexpr std::string_view partial_type = "application/partial-upload";

answer refuse(const error& e) {
  constexpr int soon = 1; // seconds
  if (e.code == errc::corrupt)
    return problem(422, e.message);
  return {problem_of(e), e.code == errc::conflict ? std::optional{soon} : std::nullopt};
}

void describe(response& to, const resumable_uploads::state& now) {
  to.fields.emplace_back("Upload-Complete", "?0");
  to.fields.emplace_back("Upload-Offset", std::to_string(now.offset));
  if (now.length)
    to.fields.emplace_back("Upload-Length", std::to_string(*now.length));
  const auto age = std::chrono::seconds{resumable_uploads::max_age}.count();
  to.fields.emplace_back("Upload-Limit", fmt::format("max-age={}", age));
}

} // namespace

void blends::add_resumable_routes(http::service& to) {
  using http::request;
  to.on("GET", "/v1/blends/unfinished/{id}", role::submit,
        [this](const request& asked) { return tell_offset(asked); });
  to.on_stream("PATCH", "/v1/blends/unfinished/{id}", role::submit,
               [this](const request& asked, http::body_reader& body) { return append(asked, body); });
  to.on("DELETE", "/v1/blends/unfinished/{id}", role::submit,
        [this](const request& asked) { return cancel(asked); });
}

/// Nullopt: all of the body has been taken.
aio::task<std::optional<answer>> blends::take_in(resumable_uploads::turn& into, http::body_reader& body) {
  for (;;) {
    const auto part = co_await body.read();
    if (!part)
      co_return refuse(part.error());
    if (part->empty())
      co_return std::nullopt;
    const auto added = co_await unfinished_.add(into, *part);
    if (!added)
      co_return refuse(added.error());
  }
}

aio::task<answer> blends::begin(const http::request& asked, http::body_reader& body, std::string name,
                                std::optional<std::string> digest) {
  resumable_uploads::description what;
  what.owner = asked.by->name;
  what.name = std::move(name);
  what.digest = std::move(digest);
  if (const auto length = asked.find("Upload-Length"))
    what.length = parse_number<std::uint64_t>(*length);
  auto made = co_await unfinished_.create(std::move(what));
  if (!made)
    co_return refuse(made.error());
  auto id = made->id;
  auto now = co_await unfinished_.find(std::move(id), asked.by);
  if (!now)
    co_return refuse(now.error());
  if (body.length() != 0) {
    if (now->offset != 0)
      co_return answer{problem(409, "this upload has begun already: send the rest of it to its Location"), 1};
    const auto turn = unfinished_.begin(now->id);
    if (auto refused = co_await take_in(*turn, body))
      co_return std::move(*refused);
  }
  auto again_id = made->id;
  now = co_await unfinished_.find(std::move(again_id), asked.by);
  if (!now)
    co_return refuse(now.error());
  response shown{.status = 201, .content_type = {}, .body = {}};
  shown.fields.emplace_back("Location", fmt::format("{}{}", unfinished_path, now->id));
  describe(shown, *now);
  co_return shown;
}

aio::task<answer> blends::tell_offset(const http::request& asked) {
  auto id = std::string{asked.id};
  const auto now = co_await unfinished_.find(std::move(id), asked.by);
  if (!now)
    co_return refuse(now.error());
  response shown{.status = 204, .content_type = {}, .body = {}};
  describe(shown, *now);
  co_return shown;
}

aio::task<answer> blends::append(const http::request& asked, http::body_reader& body) {
  if (asked.find("Content-Type") != partial_type)
    co_return problem(415, "the rest of an upload must be sent as Content-Type: application/partial-upload");
  const auto offset = parse_number<std::uint64_t>(asked.find("Upload-Offset").value_or(""));
  const auto complete = asked.find("Upload-Complete").value_or("");
  if (!offset || (complete != "?0" && complete != "?1"))
    co_return problem(400, "Upload-Offset (a number) and Upload-Complete (?0 or ?1) must say what is sent");
  auto id = std::string{asked.id};
  const auto now = co_await unfinished_.find(std::move(id), asked.by);
  if (!now)
    co_return refuse(now.error());
  if (*offset != now->offset) {
    auto refused = problem(409, fmt::format("{} bytes have come, not {}", now->offset, *offset));
    describe(refused, *now);
    co_return refused;
  }
  const auto turn = unfinished_.begin(now->id);
  if (auto refused = co_await take_in(*turn, body))
    co_return std::move(*refused);
  if (complete == "?1") {
    const auto kept = co_await unfinished_.finish(*turn, asked.by);
    auto shown = kept ? kept_answer(*kept)
                      : (kept.error().code == errc::corrupt ? problem(422, kept.error().message)
                                                            : problem_of(kept.error()));
    shown.fields.emplace_back("Upload-Complete", "?1");
    co_return shown;
  }
  response shown{.status = 204, .content_type = {}, .body = {}};
  shown.fields.emplace_back("Upload-Complete", "?0");
  co_return shown;
}

aio::task<answer> blends::cancel(const http::request& asked) {
  auto id = std::string{asked.id};
  const auto gone = co_await unfinished_.remove(std::move(id), asked.by);
  if (!gone)
    co_return refuse(gone.error());
  co_return response{.status = 204, .content_type = {}, .body = {}};
}

} // namespace kiln::api

// SPDX-License-Identifier: Apache-2.0
#include "api/jobs.hpp"

#include "api/answers.hpp"
#include "api/job_json.hpp"
#include "api/media_type.hpp"
#include "digest/sha256.hpp"
#include "http/conditional.hpp"
#include "http/prefer.hpp"
#include "http/trace_context.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace kiln::api {
namespace {

using access::role;
using http::answer;
using http::response;

constexpr std::chrono::seconds longest_wait{60}; ///< for which an answer is held
constexpr std::size_t longest_key = 255;
constexpr int busy_seconds = 1; ///< until the client repeats the same request

/// Weak: estimates and the progress within a frame change without it.
std::string etag_of(const scheduler::job& of) {
  return fmt::format("W/\"{}\"", of.revision);
}

response not_modified(const scheduler::job& of) {
  return {.status = 304,
          .content_type = {},
          .body = {},
          .fields = {{"ETag", etag_of(of)}},
          .cache_control = "no-cache"};
}

/// Whether one of the errors is of this field, of a part of it, or of a field that contains it.
bool names(const std::vector<domain::field_error>& wrong, std::string_view pointer) {
  const auto holds = [](std::string_view whole, std::string_view part) {
    return part.starts_with(whole) && (part.size() == whole.size() || part[whole.size()] == '/');
  };
  return std::ranges::any_of(wrong, [&](const domain::field_error& known) {
    return holds(known.pointer, pointer) || holds(pointer, known.pointer);
  });
}

} // namespace

jobs::jobs(scheduler::scheduler& of, events& changes, poll_delay& ends, kiln::blends::blend_finder& blends,
           aio::blocking_pool& pool, executor::blend_opener open, domain::job_limits limits, int threads)
    : scheduler_(of), events_(changes), ends_(ends), blends_(blends), pool_(pool), open_(std::move(open)),
      limits_(std::move(limits)), threads_(threads) {}

void jobs::add_routes(http::service& to) {
  using http::request;
  to.on("POST", "/v1/jobs", role::submit, [this](const request& asked) { return create(asked); });
  to.on("GET", "/v1/jobs/{id}", role::read, [this](const request& asked) { return read(asked); });
  to.on("PATCH", "/v1/jobs/{id}", role::submit, [this](const request& asked) { return patch(asked); });
  to.on("DELETE", "/v1/jobs/{id}", role::submit, [this](const request& asked) { return remove(asked); });
  to.on("POST", "/v1/jobs/{id}/copies", role::submit, [this](const request& asked) { return copy(asked); });
  to.on("POST", "/v1/jobs/{id}/cancel", role::submit, [this](const request& asked) { return cancel(asked); });
  to.on("POST", "/v1/jobs/{id}/retry", role::submit, [this](const request& asked) { return retry(asked); });
}

http::response jobs::describe(int status, const scheduler::job& of) const {
  const bool is_final = domain::is_final(of.state);
  const job_now now{is_final ? std::nullopt : scheduler_.time_left(of), scheduler_.waits_for(of)};
  auto shown = json_answer(status, format_job(of, now));
  shown.cache_control = "no-cache";
  shown.fields.emplace_back("ETag", etag_of(of));
  if (status == 202)
    shown.fields.emplace_back("Location", "/v1/jobs/" + of.id.str());
  return shown;
}

/// Retry-After in seconds; nullopt for a final job.
std::optional<int> jobs::wait_of(const scheduler::job& of) {
  return domain::is_final(of.state) ? std::nullopt : std::optional{scheduler_.retry_after(of)};
}

answer jobs::show(int status, const scheduler::job& of) {
  return {describe(status, of), wait_of(of)};
}

answer jobs::show_if_new(const http::request& asked, const scheduler::job& of,
                         std::optional<std::chrono::seconds> held) {
  if (domain::is_final(of.state))
    ends_.told(of.id);
  const auto known = asked.find("If-None-Match");
  auto shown = known && http::names_etag(*known, etag_of(of)) ? not_modified(of) : describe(200, of);
  if (held)
    shown.fields.emplace_back("Preference-Applied", fmt::format("wait={}", held->count()));
  return {shown, wait_of(of)};
}

answer jobs::refuse(const error& e) {
  auto refused = problem_of(e);
  const bool is_busy = refused.status == 503;
  return {refused, is_busy ? std::optional{scheduler_.retry_after_refusal()} : std::nullopt};
}

aio::task<answer> jobs::create(const http::request& asked) {
  if (!is_json(asked.find("Content-Type")))
    co_return not_json();
  const auto named = asked.find("Idempotency-Key");
  std::string no_original;
  if (!named)
    co_return co_await create_from(asked, std::nullopt, std::move(no_original));
  store::request_key key{
      .principal = asked.by->name, .key = std::string{*named}, .digest = digest::sha256(asked.body)};
  if (key.key.empty() || key.key.size() > longest_key)
    co_return problem(400, fmt::format("Idempotency-Key must have 1 to {} characters", longest_key));
  const auto named_by = std::pair{key.principal, key.key};
  if (!in_progress_.insert(named_by).second)
    co_return answer{problem(409, "a request with this Idempotency-Key is being answered"), busy_seconds};
  std::optional<answer> given;
  std::exception_ptr thrown;
  try {
    given = co_await create_once(asked, key);
  } catch (...) {
    thrown = std::current_exception();
  }
  in_progress_.erase(named_by);
  if (thrown)
    std::rethrow_exception(thrown);
  co_return std::move(*given);
}

aio::task<answer> jobs::create_once(const http::request& asked, const store::request_key& key) {
  const auto before = co_await scheduler_.find_request(key.principal, key.key);
  if (!before)
    co_return refuse(before.error());
  std::string no_original;
  if (!*before)
    co_return co_await create_from(asked, key, std::move(no_original));
  const auto& first = **before;
  if (first.digest != key.digest)
    co_return problem(422, "this Idempotency-Key was used for another request");
  const auto job = co_await scheduler_.look_up(first.job);
  if (job && first.answer.empty()) // kilnd was killed before it answered
    co_return show(202, **job);
  if (!job && first.answer.empty())
    co_return refuse(job.error());
  response again{.status = 202, .content_type = json_type, .body = first.answer};
  again.fields.emplace_back("Location", "/v1/jobs/" + first.job.str());
  co_return answer{again, job ? wait_of(**job) : std::nullopt};
}

/// The error is about the member "frames", which the client has left out.
aio::task<result<domain::frame_set>> jobs::frames_of_file(std::filesystem::path blend, std::string scene) {
  const auto read_here = [this, blend] { return executor::read_blend(blend, open_); };
  const auto read = co_await pool_.run(read_here);
  if (const auto* bad = std::get_if<domain::failure>(&read))
    co_return error{errc::invalid_input,
                    "is missing, and the .blend does not say which it has: " + bad->message};
  co_return blender::frames_of(std::get<blender::blend_facts>(read).render, scene);
}

aio::task<answer> jobs::create_from(const http::request& asked, std::optional<store::request_key> key,
                                    std::string copy_of) {
  domain::job_spec spec;
  auto wrong = read_job(asked.body, threads_, spec);
  if (!wrong.empty() && wrong.front().pointer.empty())
    co_return field_problem(wrong);
  spec.trace_id = http::trace_id_of(asked);
  spec.copy_of = std::move(copy_of);
  const auto blend = co_await blends_.find(spec.blend_name, asked.by); // protected until the job is accepted
  if (!blend && blend.error().code != errc::invalid_input && wrong.empty())
    co_return refuse(blend.error());
  const auto add = [&wrong](domain::field_error more) {
    if (!names(wrong, more.pointer))
      wrong.push_back(std::move(more));
  };
  if (blend)
    spec.blend = blend->file;
  else
    add({"/blend", blend.error().message});
  const bool has_none = spec.settings.frames_of_file && spec.frames.empty();
  if (blend && has_none) {
    auto file = spec.blend;
    auto scene = spec.settings.scene;
    auto said = co_await frames_of_file(std::move(file), std::move(scene));
    if (said)
      spec.frames = std::move(*said);
    else
      add({"/frames", said.error().message});
  }
  for (auto& more : domain::check_job(spec, limits_))
    if (blend || !has_none || more.pointer != "/frames") // without a .blend, it is not known which
      add(std::move(more));
  if (!wrong.empty())
    co_return field_problem(wrong);
  if (!key) {
    const auto taken = co_await scheduler_.submit(std::move(spec), asked.by->name);
    co_return taken ? show(202, **taken) : refuse(taken.error());
  }
  const auto taken = co_await scheduler_.submit_once(std::move(spec), *key);
  if (!taken)
    co_return refuse(taken.error());
  auto given = show(202, **taken);
  co_await scheduler_.keep_answer(std::move(*key), given.what->body());
  co_return given;
}

/// Whoever asks owns the copy, and must be permitted to render its .blend.
aio::task<answer> jobs::copy(const http::request& asked) {
  const auto of = co_await find_job(scheduler_, asked);
  if (!of)
    co_return refuse(of.error());
  if (!is_json(asked.find("Content-Type")))
    co_return not_json();
  const auto body = format_copy((*of)->spec, asked.body);
  if (!body)
    co_return field_problem(std::vector<domain::field_error>{{"", body.error().message}});
  auto made = asked;
  made.body = *body;
  auto original = (*of)->id.str();
  co_return co_await create_from(made, std::nullopt, std::move(original));
}

http::reply jobs::read(const http::request& asked) {
  const auto id = job_id::parse(asked.id);
  if (!id)
    return problem(404, "this is not the id of a job");
  const auto found = scheduler_.find(*id);
  if (!found)
    return read_kept(asked, *id);
  const auto wait = http::preferred_wait(asked);
  if (wait && asked.client && !domain::is_final(found->state))
    return hold(asked, found, std::min(*wait, longest_wait));
  return show_if_new(asked, *found);
}

aio::task<answer> jobs::read_kept(const http::request& asked, job_id id) {
  const auto found = co_await scheduler_.look_up(id);
  if (!found)
    co_return refuse(found.error());
  co_return show_if_new(asked, **found);
}

/// Holds the answer until the job has a revision that the client does not have.
aio::task<answer> jobs::hold(const http::request& asked, job_ptr of, std::chrono::seconds wait) {
  const auto known = asked.find("If-None-Match");
  std::optional<std::chrono::seconds> held = wait;
  if (!known || http::names_etag(*known, etag_of(*of))) {
    const auto until = aio::clock::now() + wait;
    if (!co_await events_.wait_for_change(*asked.client, of->id, of->revision, until))
      held.reset(); // a preference may be ignored
  }
  const auto now = scheduler_.find(of->id);
  if (!now) // removed, or so old that it is only in the store
    co_return co_await read_kept(asked, of->id);
  co_return show_if_new(asked, *now, held);
}

aio::task<std::optional<answer>> jobs::refuse_unless_theirs(const http::request& asked, job_id id) {
  if (asked.by->rank == role::admin)
    co_return std::nullopt;
  const auto of = co_await scheduler_.look_up(id);
  co_return of ? refuse_others(asked, **of) : refuse(of.error());
}

aio::task<answer> jobs::patch(const http::request& asked) {
  auto changed = co_await find_job(scheduler_, asked);
  if (!changed)
    co_return refuse(changed.error());
  if (auto refused = refuse_others(asked, **changed))
    co_return std::move(*refused);
  if (!is_json(asked.find("Content-Type")))
    co_return not_json();
  const auto parsed = parse_patch(asked.body);
  if (const auto* wrong = std::get_if<std::vector<domain::field_error>>(&parsed))
    co_return field_problem(*wrong);
  const auto& wanted = std::get<job_patch>(parsed);
  if (wanted.priority)
    changed = co_await scheduler_.set_priority((*changed)->id, *wanted.priority);
  if (changed && wanted.paused)
    changed = co_await scheduler_.set_paused((*changed)->id, *wanted.paused);
  if (changed && (wanted.words.name || wanted.words.note || wanted.words.tags)) {
    auto words = wanted.words;
    changed = co_await scheduler_.label((*changed)->id, std::move(words));
  }
  if (!changed)
    co_return refuse(changed.error());
  co_return show(200, **changed);
}

aio::task<answer> jobs::cancel(const http::request& asked) {
  const auto id = job_id::parse(asked.id);
  if (!id)
    co_return problem(404, "this is not the id of a job");
  if (auto refused = co_await refuse_unless_theirs(asked, *id))
    co_return std::move(*refused);
  const auto changed = co_await scheduler_.cancel(*id);
  if (!changed)
    co_return refuse(changed.error());
  co_return show(202, **changed);
}

/// A retry renders again, so it is refused if the token may not (or no longer) render the .blend.
aio::task<answer> jobs::retry(const http::request& asked) {
  const auto found = co_await find_job(scheduler_, asked);
  if (!found)
    co_return refuse(found.error());
  if (!kiln::blends::parse_upload_id((*found)->spec.blend_name)) {
    const bool may = co_await blends_.may_use((*found)->spec.blend, asked.by);
    if (!may)
      co_return problem(403, outside_projects(*asked.by));
  }
  if (auto refused = refuse_others(asked, **found))
    co_return std::move(*refused);
  if (!asked.body.empty() && !is_json(asked.find("Content-Type")))
    co_return not_json();
  auto which = asked.body.empty() ? result<domain::frame_set>{domain::frame_set{}} : parse_retry(asked.body);
  if (!which)
    co_return field_problem(std::vector<domain::field_error>{{"/frames", which.error().message}});
  const auto changed = co_await scheduler_.retry((*found)->id, std::move(*which));
  if (!changed && changed.error().code == errc::invalid_input)
    co_return field_problem(std::vector<domain::field_error>{{"/frames", changed.error().message}});
  if (!changed)
    co_return refuse(changed.error());
  co_return show(202, **changed);
}

aio::task<answer> jobs::remove(const http::request& asked) {
  const auto id = job_id::parse(asked.id);
  if (!id)
    co_return problem(404, "this is not the id of a job");
  if (auto refused = co_await refuse_unless_theirs(asked, *id))
    co_return std::move(*refused);
  const auto gone = co_await scheduler_.remove(*id);
  if (!gone)
    co_return refuse(gone.error());
  co_return response{.status = 204, .content_type = {}, .body = {}};
}

} // namespace kiln::api

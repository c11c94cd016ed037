// SPDX-License-Identifier: Apache-2.0
#include "api/logs.hpp"

#include "api/answers.hpp"
#include "api/frame_log.hpp"
#include "api/query.hpp"
#include "http/conditional.hpp"
#include "http/prefer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>
#include <stdexcept>
#include <utility>

#include <unistd.h>

namespace kiln::api {
namespace {

using access::role;
using http::answer;
using http::response;
using files = std::vector<output::result_file>;

constexpr std::size_t log_piece = 64 * 1024;
constexpr std::chrono::seconds longest_follow{60};

std::uint64_t size_of(const files& all) {
  std::uint64_t size = 0;
  for (const auto& each : all)
    size += each.size;
  return size;
}

/// A piece of the text from `at` on; empty at its end.
std::string read_at(const files& all, std::uint64_t at, std::uint64_t most) {
  if (most == 0)
    return {};
  for (const auto& each : all) {
    if (at >= each.size) {
      at -= each.size;
      continue;
    }
    std::string piece(std::min<std::uint64_t>({log_piece, most, each.size - at}), ' ');
    const auto got = ::pread(each.file->get(), piece.data(), piece.size(), static_cast<off_t>(at));
    if (got <= 0)
      throw std::runtime_error(each.name + " became shorter while it was read");
    piece.resize(static_cast<std::size_t>(got));
    return piece;
  }
  return {};
}

/// A part of the text; if `follows` is set, also text that is appended to it later, until `until`.
class log_stream final : public http::body_stream {
public:
  log_stream(scheduler::scheduler& scheduler, output::output_store& output, aio::blocking_pool& pool,
             job_id of, int attempts, files all, http::byte_range part, std::shared_ptr<aio::sleeper> follows,
             aio::clock::time_point until)
      : scheduler_(scheduler), output_(output), pool_(pool), job_(of), attempts_(attempts),
        files_(std::move(all)), at_(part.offset), left_(part.length), follows_(std::move(follows)),
        until_(until) {}

  aio::task<std::string_view> next() override {
    for (;;) {
      const auto read_here = [this] { return read_at(files_, at_, left_); };
      part_ = co_await pool_.run(read_here);
      at_ += part_.size();
      left_ -= part_.size();
      if (!part_.empty() || !follows_)
        co_return part_;
      const auto now = scheduler_.find(job_);
      const bool goes_on = now && !domain::is_final(now->state);
      const auto known = size_of(files_);
      if (now)
        attempts_ = now->attempts;
      files_ = co_await output_.open_logs(job_, attempts_);
      if (size_of(files_) != known)
        continue;
      if (!goes_on || follows_->is_closed() || aio::clock::now() >= until_)
        co_return part_;
      co_await follows_->wait(until_);
    }
  }

private:
  scheduler::scheduler& scheduler_;
  output::output_store& output_;
  aio::blocking_pool& pool_;
  job_id job_;
  int attempts_;
  files files_;
  std::uint64_t at_;
  std::uint64_t left_;
  std::shared_ptr<aio::sleeper> follows_;
  aio::clock::time_point until_;
  std::string part_;
};

} // namespace

logs::logs(scheduler::scheduler& of, output::output_store& files, events& changes, aio::blocking_pool& pool)
    : scheduler_(of), output_(files), events_(changes), pool_(pool) {}

void logs::add_routes(http::service& to) {
  to.on("GET", "/v1/jobs/{id}/log", role::read, [this](const http::request& asked) { return read(asked); });
}

aio::task<answer> logs::read(const http::request& asked) {
  auto of = co_await find_job(scheduler_, asked);
  if (!of)
    co_return refusal_of(of.error());
  constexpr std::array<std::string_view, 1> known{"frame"};
  const auto parameters = parse_parameters(asked.query, known);
  if (!parameters)
    co_return problem(400, parameters.error().message);
  if (const auto wanted = parameters->find("frame"); wanted != parameters->end()) {
    const auto frame = parse_frame(wanted->second);
    if (!frame)
      co_return problem(400, "frame must be the number of a frame");
    if (!(*of)->spec.frames.contains(*frame))
      co_return problem(404, "this frame is not one of the job");
    auto attempts = co_await output_.open_logs((*of)->id, (*of)->attempts);
    http::large_body lines = std::make_shared<frame_log>(pool_, std::move(attempts), *frame);
    const response whole{.status = 200, .content_type = "text/plain; charset=utf-8", .body = {}};
    co_return answer{whole, std::move(lines)};
  }
  const auto wish = http::preferred_wait(asked);
  const auto wait = std::min(wish.value_or(std::chrono::seconds{0}), longest_follow);
  const auto until = aio::clock::now() + wait;
  std::shared_ptr<aio::sleeper> follows;
  if (wait.count() > 0 && asked.client && !domain::is_final((*of)->state))
    follows = events_.begin_waiting(*asked.client, **of);
  response head{.status = 200, .content_type = "text/plain; charset=utf-8", .body = {}};
  if (follows)
    head.fields.emplace_back("Preference-Applied", fmt::format("wait={}", wait.count()));

  files all;
  http::range_choice chosen;
  auto attempts = (*of)->attempts;
  for (;;) {
    all = co_await output_.open_logs((*of)->id, attempts);
    chosen = http::choose_range(asked, {}, size_of(all));
    if (chosen.kind != http::range_kind::unsatisfiable || !follows || follows->is_closed() ||
        aio::clock::now() >= until)
      break;
    // Wait for a part that is not written yet.
    const auto now = scheduler_.find((*of)->id);
    if (!now || domain::is_final(now->state))
      break;
    co_await follows->wait(until);
    attempts = now->attempts;
  }
  const auto size = size_of(all);
  head.fields.emplace_back("Accept-Ranges", "bytes");
  http::byte_range part{0, size};
  if (chosen.kind == http::range_kind::unsatisfiable) {
    auto refused = problem(416, fmt::format("the log has {} bytes", size));
    refused.fields = std::move(head.fields);
    refused.fields.emplace_back("Content-Range", fmt::format("bytes */{}", size));
    co_return answer{refused, domain::is_final((*of)->state) ? std::nullopt
                                                             : std::optional{scheduler_.retry_after(**of)}};
  }
  if (chosen.kind == http::range_kind::part) {
    part = chosen.part;
    head.status = 206;
    head.fields.emplace_back("Content-Range",
                             fmt::format("bytes {}-{}/{}", part.offset, part.offset + part.length - 1, size));
    follows.reset(); // a part has an end
  } else if (follows) {
    part.length = std::numeric_limits<std::uint64_t>::max();
  }
  http::large_body body = std::make_shared<log_stream>(scheduler_, output_, pool_, (*of)->id, attempts,
                                                       std::move(all), part, std::move(follows), until);
  co_return answer{head, std::move(body)};
}

} // namespace kiln::api

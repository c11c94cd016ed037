// SPDX-License-Identifier: Apache-2.0
#include "api/answers.hpp"

#include "api/problem.hpp"

#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

namespace kiln::api {
namespace {

constexpr std::string_view surface = "/v1"; // its errors are RFC 9457; errors of /job are text

} // namespace

http::response json_answer(int status, const boost::json::value& body) {
  return {.status = status, .content_type = json_type, .body = boost::json::serialize(body)};
}

http::response problem(int status, std::string_view detail) {
  auto [type, text] = format_problem(status, detail, surface);
  return {.status = status, .content_type = std::string{type}, .body = std::move(text)};
}

http::response field_problem(std::span<const domain::field_error> wrong) {
  auto [type, text] = format_field_problem(wrong);
  return {.status = 422, .content_type = std::string{type}, .body = std::move(text)};
}

row_list::row_list(std::string_view name) : body_(fmt::format("{{\"{}\":[", name)) {}

bool row_list::add(const boost::json::object& row) {
  constexpr std::size_t most = 1'000'000; // bytes
  const auto text = boost::json::serialize(row);
  if (size_ > 0 && body_.size() + text.size() > most)
    return false;
  if (size_++ > 0)
    body_ += ',';
  body_ += text;
  return true;
}

http::response row_list::answer() && {
  body_ += "]}";
  return {.status = 200, .content_type = json_type, .body = std::move(body_)};
}

http::response not_json() {
  return problem(415, "the body must be sent as Content-Type: application/json");
}

std::string outside_projects(const access::principal& by) {
  return fmt::format("the token {} may have files of these projects rendered, and no others: {}", by.name,
                     fmt::join(by.projects, ", "));
}

http::response problem_of(const error& e) {
  const int status = status_of(e);
  return problem(status, status == 500 ? "a defect of Kiln, or a broken store; the log says more"
                                       : std::string_view{e.message});
}

http::answer refusal_of(const error& e) {
  constexpr int seconds = 5; // a person makes room
  const auto refused = problem_of(e);
  return {refused, refused.status == 503 ? std::optional{seconds} : std::nullopt};
}

aio::task<result<scheduler::scheduler::job_ptr>> find_job(scheduler::scheduler& in,
                                                          const http::request& asked) {
  const auto id = job_id::parse(asked.id);
  if (!id)
    co_return error{errc::not_found, "this is not the id of a job"};
  co_return co_await in.look_up(*id);
}

std::optional<http::answer> refuse_others(const http::request& asked, const scheduler::job& of) {
  if (asked.by->rank == access::role::admin || of.owner == asked.by->name)
    return std::nullopt;
  const auto whose = of.owner.empty() ? std::string{"has no owner"} : fmt::format("belongs to {}", of.owner);
  return problem(403, fmt::format("this job {}: the role admin is needed to change it, and the token {} "
                                  "has the role {}",
                                  whose, asked.by->name, to_string(asked.by->rank)));
}

http::answer not_there(scheduler::scheduler& in, const scheduler::job& of, std::string_view what) {
  if (domain::is_final(of.state))
    return problem(404, fmt::format("the job is {}, and {} is not there", domain::to_string(of.state), what));
  return {problem(409, fmt::format("{} is not rendered yet", what)), in.retry_after(of)};
}

std::optional<http::byte_range> choose_part(const http::request& asked, const http::validators& now,
                                            std::uint64_t size, http::response& head, std::string_view what) {
  const auto part = http::select(asked, now, size, head);
  if (head.status != 416)
    return part;
  auto refused = problem(416, fmt::format("{} has {} bytes", what, size));
  refused.fields = std::move(head.fields);
  head = std::move(refused);
  return std::nullopt;
}

http::answer file_answer(const http::request& asked, http::response head, output::result_file file,
                         std::string_view what) {
  const http::validators now{.etag = fmt::format("\"{}\"", file.mark), .modified = file.modified};
  const auto part = choose_part(asked, now, file.size, head, what);
  if (!part)
    return head;
  http::large_body body = http::file_body{std::move(file.file), part->offset, part->length};
  return http::answer{head, std::move(body)};
}

} // namespace kiln::api

// SPDX-License-Identifier: Apache-2.0
//
// The answers of /v1: JSON, and RFC 9457 for errors.
#pragma once

#include "base/error.hpp"
#include "domain/job.hpp"
#include "http/conditional.hpp"
#include "http/message.hpp"
#include "output/results.hpp"
#include "scheduler/scheduler.hpp"

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace kiln::api {

inline constexpr const char* json_type = "application/json; charset=utf-8";

[[nodiscard]] http::response json_answer(int status, const boost::json::value& body);

/// The body {"NAME":[row,…]} of a page, which is never much longer than a megabyte.
class row_list {
public:
  explicit row_list(std::string_view name);
  /// False if there is no room for it: the page ends before it. There is always room for one.
  [[nodiscard]] bool add(const boost::json::object& row);
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] http::response answer() &&;

private:
  std::string body_;
  std::size_t size_ = 0;
};

/// `detail` is shown to the client as it is.
[[nodiscard]] http::response problem(int status, std::string_view detail);

/// 422, with a JSON pointer for each field.
[[nodiscard]] http::response field_problem(std::span<const domain::field_error> wrong);

/// 415 for a body that is not sent as JSON.
[[nodiscard]] http::response not_json();

/// The error message for a .blend outside the projects of a token.
[[nodiscard]] std::string outside_projects(const access::principal& by);

/// The problem for an error of a lower floor. Details of an internal error appear in the log only.
[[nodiscard]] http::response problem_of(const error& e);
/// The same, with Retry-After for errors that may pass soon.
[[nodiscard]] http::answer refusal_of(const error& e);
/// The job that the path names: not_found if it names none.
[[nodiscard]] aio::task<result<scheduler::scheduler::job_ptr>> find_job(scheduler::scheduler& in,
                                                                        const http::request& asked);
/// A client with the role submit may change its own jobs only. Nullopt if it may change this one.
[[nodiscard]] std::optional<http::answer> refuse_others(const http::request& asked, const scheduler::job& of);
/// `what` of a job is not there: 404 once the job is final; before that 409, with its Retry-After.
[[nodiscard]] http::answer not_there(scheduler::scheduler& in, const scheduler::job& of,
                                     std::string_view what);

/// The bytes of a representation that are requested (RFC 9110, sections 13 and 14). `head`: the answer for
/// all of its `size` bytes. If there is nothing to send, nullopt, and `head` is the answer. `what`: as below.
[[nodiscard]] std::optional<http::byte_range> choose_part(const http::request& asked,
                                                          const http::validators& now, std::uint64_t size,
                                                          http::response& head, std::string_view what);

/// The file, or the requested part of it (RFC 9110, sections 13 and 14). `head`: the answer for the whole
/// file. `what`: its description in messages, such as "the image".
[[nodiscard]] http::answer file_answer(const http::request& asked, http::response head,
                                       output::result_file file, std::string_view what);

} // namespace kiln::api

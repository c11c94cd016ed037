// SPDX-License-Identifier: Apache-2.0
#include "client/caller.hpp"

#include "client/exit_status.hpp"
#include "client/problem.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include <optional>

namespace kiln::client {

using std::chrono::seconds;

caller::caller(aio::executor_type loop, connection& over, seconds most, notice say)
    : loop_(loop), over_(over), most_(most), say_(std::move(say)) {}

aio::task<> caller::pause(std::chrono::milliseconds time) {
  aio::timer over{loop_, time};
  boost::system::error_code ignored;
  co_await over.async_wait(aio::asio::redirect_error(aio::use_task, ignored));
}

aio::task<result<answer>> caller::ask(const request& what, const body_sink& sink) {
  patience left{most_};
  std::optional<aio::clock::time_point> first_failure;
  for (;;) {
    auto got = co_await over_.exchange(what, sink);
    const auto now = aio::clock::now();
    const auto since = first_failure ? std::chrono::duration_cast<seconds>(now - *first_failure) : seconds{0};
    std::optional<seconds> wait;
    std::string why;
    if (got) {
      has_answered_ = true;
      wait = left.after(*got, since);
      why = got->status == 429 ? "it has too many requests" : fmt::format("it answers {}", got->status);
    } else if (status_of(got.error()) == exit_status::not_reached && has_answered_) {
      wait = left.after_silence(since);
      why = got.error().message;
    }
    if (!wait) {
      if (got && first_failure)
        say_(fmt::format("{} answers again", to().text));
      co_return got;
    }
    if (!first_failure) {
      first_failure = now;
      say_(fmt::format("waiting for {}: {}", to().text, why));
    }
    co_await pause(*wait);
  }
}

aio::task<result<answer>> caller::ask_well(const request& what, std::string doing, const body_sink& sink) {
  auto got = co_await ask(what, sink);
  if (got && got->status / 100 != 2 && got->status != 304)
    co_return explain(*got, to(), doing);
  co_return got;
}

aio::task<result<boost::json::value>> caller::ask_json(const request& what, std::string doing) {
  const auto got = co_await ask_well(what, std::move(doing));
  if (!got)
    co_return got.error();
  co_return json_of(*got, to());
}

error not_as_kilnd(const server& from) {
  return failure(exit_status::refused,
                 fmt::format("{} does not answer as kilnd does: is the URL right?", from.text));
}

result<boost::json::value> json_of(const answer& a, const server& from) {
  boost::system::error_code wrong;
  auto parsed = boost::json::parse(a.body, wrong);
  if (wrong)
    return not_as_kilnd(from);
  return parsed;
}

} // namespace kiln::client

// SPDX-License-Identifier: Apache-2.0
#include "kiln/session.hpp"

#include "base/text.hpp"
#include "client/download.hpp"
#include "client/job_ids.hpp"
#include "client/job_view.hpp"
#include "client/pace.hpp"
#include "client/progress.hpp"
#include "client/watch.hpp"
#include "client/whole_file.hpp"
#include "kiln/last_words.hpp"

#include <boost/asio/this_coro.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <chrono>

namespace kiln::command {

using client::exit_status;

std::string last_job(const session& s) {
  if (s.state.empty())
    return {};
  const auto text = client::read_whole(s.state / "last");
  const std::string id{text && *text ? trimmed(**text, " \n") : std::string_view{}};
  return client::is_begin_of_id(id) ? id : std::string{};
}

void remember_last(session& s, const std::string& id) {
  if (s.state.empty())
    return;
  if (const auto written = client::write_whole(s.state / "last", id + "\n"); !written)
    s.screen.say("kiln: @last will not be this job: " + written.error().message);
}

std::function<void(const std::filesystem::path&)> path_printer(session& s) {
  return [&s](const std::filesystem::path& file) {
    if (!s.asked.json)
      s.screen.print(file.native() + "\n");
  };
}

void print_json(session& s, const boost::json::value& what) {
  s.screen.print(boost::json::serialize(what) + "\n");
}

namespace {

/// What is said if a signal ends the program: how to come back to a job, or end it.
std::string parting_words(const session& s, const std::string& id) {
  auto line = fmt::format("kiln: job {0} goes on: `kiln wait {1}{0}` (or the same command) comes back to it, "
                          "`kiln cancel {1}{0}` ends it",
                          id, s.words);
  if (s.screen.progress() == progress_form::json)
    line = boost::json::serialize(boost::json::object{{"message", line}});
  return s.screen.clearing() + line + "\n";
}

double seconds_now() {
  return std::chrono::duration<double>(aio::clock::now().time_since_epoch()).count();
}

/// Shows a job while it goes on.
class follower {
public:
  follower(session& s, aio::executor_type loop)
      : s_(s),
        is_told_(s.screen.progress() == progress_form::bar || s.screen.progress() == progress_form::plain),
        lines_(s.screen.progress() == progress_form::plain), minute_(loop) {}

  ~follower() { s_.screen.live(nullptr); }
  follower(const follower&) = delete;
  follower& operator=(const follower&) = delete;

  void show(const client::job_view& now, const boost::json::value& sent) {
    pace_.add(now, seconds_now());
    s_.screen.show(sent);
    if (is_told_)
      for (const auto& line : lines_.next(now, seconds_now()))
        s_.screen.say(line);
    if (now.is_final())
      s_.screen.live(nullptr);
    else
      s_.screen.live([now, rate = pace_.frames_per_second()](std::size_t columns) {
        return client::live_line(now, rate, columns);
      });
  }

  /// Says each minute how it goes, if nothing else was said.
  void remind() {
    if (s_.screen.progress() != progress_form::plain)
      return;
    minute_.expires_after(std::chrono::seconds{1});
    minute_.async_wait([this](const boost::system::error_code& ec) {
      if (ec)
        return; // this object has gone
      if (const auto line = lines_.reminder(seconds_now()))
        s_.screen.say(*line);
      remind();
    });
  }

private:
  session& s_;
  bool is_told_;
  client::progress_lines lines_;
  client::pace pace_;
  aio::timer minute_;
};

} // namespace

aio::task<result<exit_status>> follow(session& s, std::string id, client::download* home) {
  set_last_words(parting_words(s, id));
  follower shown{s, co_await aio::asio::this_coro::executor};
  shown.remind();
  client::watching how;
  how.show = [&](const client::job_view& now, const boost::json::value& sent) { shown.show(now, sent); };
  if (home)
    how.frames_done = [&] { return home->fetch_done(s.kilnd, id); };
  if (s.asked.timeout)
    how.most = std::chrono::seconds{*s.asked.timeout};
  const auto ended = co_await client::watch_job(s.kilnd, id, how);
  if (!ended)
    co_return ended.error();
  set_last_words({});
  const auto job = client::read_job(*ended);
  const auto end = client::format_end(job);
  if (s.screen.progress() == progress_form::none && job.state != "succeeded")
    s.screen.say(end);
  else
    s.screen.tell(end);
  if (s.asked.json)
    print_json(s, *ended);
  co_return job.state == "succeeded" ? exit_status::succeeded
  : job.state == "canceled"          ? exit_status::canceled
                                     : exit_status::job_failed;
}

} // namespace kiln::command

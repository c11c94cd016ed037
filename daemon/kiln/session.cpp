// SPDX-License-Identifier: Apache-2.0
#include "kiln/session.hpp"

#include "base/text.hpp"
#include "client/download.hpp"
#include "client/job_ids.hpp"
#include "client/job_view.hpp"
#include "client/progress.hpp"
#include "client/watch.hpp"
#include "client/whole_file.hpp"

#include <boost/json/serialize.hpp>

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

aio::task<result<exit_status>> follow(session& s, std::string id, client::download* home) {
  s.watched = id;
  client::progress_lines lines{!s.screen.is_live()};
  client::watching how;
  how.show = [&](const client::job_view& now) {
    for (const auto& line : lines.next(now))
      s.screen.say(line);
    if (!now.is_final())
      s.screen.live(client::live_line(now));
  };
  if (home)
    how.frames_done = [&] { return home->fetch_done(s.kilnd, id); };
  if (s.asked.timeout)
    how.most = std::chrono::seconds{*s.asked.timeout};
  const auto ended = co_await client::watch_job(s.kilnd, id, how);
  if (!ended)
    co_return ended.error();
  s.watched.clear();
  const auto job = client::read_job(*ended);
  s.screen.say(client::format_end(job));
  if (s.asked.json)
    print_json(s, *ended);
  co_return job.state == "succeeded" ? exit_status::succeeded
  : job.state == "canceled"          ? exit_status::canceled
                                     : exit_status::job_failed;
}

} // namespace kiln::command

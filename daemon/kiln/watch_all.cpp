// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.hpp"
#include "client/job_view.hpp"
#include "client/listing.hpp"
#include "client/progress.hpp"
#include "client/table.hpp"
#include "kiln/last_words.hpp"
#include "kiln/session.hpp"

#include <boost/asio/basic_signal_set.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>

#include <unistd.h>

namespace kiln::command {
namespace {

using client::exit_status;
using client::job_view;

constexpr std::chrono::seconds between_views{2};
constexpr auto enter_screen = "\x1b[?1049h\x1b[?25l", leave_screen = "\x1b[?25h\x1b[?1049l";

struct view {
  std::vector<job_view> jobs; ///< those that run, those that will, those that have ended
  std::string counts;
};

/// The whole terminal, until this object goes, or the program ends by a signal.
class full_screen {
public:
  full_screen(session& s, aio::executor_type loop) : s_(s), stops_(loop), keys_(loop) {
    has_input_ = ::tcgetattr(STDIN_FILENO, &input_) == 0;
    set_last_words(leave_screen);
    if (has_input_)
      restore_at_end(&input_);
    enter();
    s_.screen.give_whole([this] { draw(); },
                         [this](const std::string& line) {
                           notice_ = line;
                           draw();
                         });
    boost::system::error_code ignored;
    stops_.add(SIGTSTP, ignored);
    wait_for_stops();
    if (has_input_) {
      keys_.assign(::dup(STDIN_FILENO), ignored);
      wait_for_keys();
    }
  }

  ~full_screen() {
    s_.screen.give_whole(nullptr, nullptr);
    leave();
    restore_at_end(nullptr);
    set_last_words({});
  }
  full_screen(const full_screen&) = delete;
  full_screen& operator=(const full_screen&) = delete;

  void show(view now) {
    view_ = std::move(now);
    draw();
  }

private:
  void enter() {
    if (has_input_) {
      auto raw = input_;
      raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
      ::tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    }
    std::fputs(enter_screen, stderr);
    std::fflush(stderr);
  }

  void leave() {
    if (has_input_)
      ::tcsetattr(STDIN_FILENO, TCSANOW, &input_);
    std::fputs(leave_screen, stderr);
    std::fflush(stderr);
  }

  void wait_for_stops() {
    stops_.async_wait([this](const boost::system::error_code& ec, int) {
      if (ec)
        return; // this object has gone
      leave();
      ::raise(SIGSTOP);
      enter();
      draw();
      wait_for_stops();
    });
  }

  void wait_for_keys() {
    keys_.async_read_some(aio::asio::buffer(key_), [this](const boost::system::error_code& ec, std::size_t) {
      if (ec)
        return;
      if (key_.front() == 'q') { // also while kilnd is waited for
        leave();
        ::_exit(static_cast<int>(exit_status::succeeded));
      }
      wait_for_keys();
    });
  }

  void draw() const {
    const auto [columns, rows] = s_.screen.size();
    std::vector<client::row> cells;
    for (const auto& job : view_.jobs)
      cells.push_back({job.id, job.state, fmt::format("{}/{}", job.done, job.total),
                       job.now_frame ? std::to_string(*job.now_frame) : "", client::format_left(job),
                       job.warnings.empty() ? "" : std::to_string(job.warnings.size()), job.owner, job.name});
    const auto table =
        client::format_table({"ID", "STATE", "FRAMES", "NOW", "LEFT", "WARNINGS", "OWNER", "NAME"}, cells);
    std::string out = "\x1b[H";
    std::size_t row = 0;
    const auto add = [&](std::string_view line, std::string_view state) {
      if (row == rows)
        return;
      out += row == 0 ? "" : "\r\n";
      out += s_.screen.coloured(first_characters(line, columns > 1 ? columns - 1 : 1), state) + "\x1b[K";
      ++row;
    };
    add(fmt::format("{} at {}", view_.counts, s_.kilnd.to().text), "");
    add(notice_.empty() ? "q ends this view" : notice_, "");
    std::size_t at = 0, index = 0;
    for (std::size_t end = 0; at < table.size(); at = end + 1, ++index) {
      end = std::min(table.find('\n', at), table.size());
      add(std::string_view{table}.substr(at, end - at), index == 0 ? "" : view_.jobs[index - 1].state);
    }
    std::fputs((out + "\x1b[J").c_str(), stderr);
    std::fflush(stderr);
  }

  session& s_;
  termios input_{};
  bool has_input_ = false;
  aio::asio::basic_signal_set<aio::executor_type> stops_;
  aio::asio::posix::basic_stream_descriptor<aio::executor_type> keys_;
  std::array<char, 1> key_{};
  view view_;
  std::string notice_;
};

aio::task<result<view>> read_view(session& s) {
  view out;
  constexpr std::size_t most = 1000; // more than a terminal has rows
  for (const std::string states : {"running", "paused,queued", "succeeded,failed,canceled"}) {
    const auto room = std::min(most, s.screen.size().rows);
    const std::string path = "/v1/jobs?state=" + states;
    const std::string doing = "the list of jobs";
    const auto pages = co_await client::read_pages(s.kilnd, path, doing, room);
    if (!pages)
      co_return pages.error();
    for (const auto& page : *pages)
      if (const auto* jobs = page.is_object() ? page.get_object().if_contains("jobs") : nullptr;
          jobs && jobs->is_array())
        for (const auto& one : jobs->get_array())
          out.jobs.push_back(client::read_job(one));
  }
  client::request what;
  what.path = "/v1/jobs/summary";
  const std::string doing = "the number of jobs";
  const auto summary = co_await s.kilnd.ask_json(what, doing);
  if (!summary)
    co_return summary.error();
  const auto* all = summary->is_object() ? summary->get_object().if_contains("jobs") : nullptr;
  for (const std::string state : {"running", "queued", "paused", "succeeded", "failed", "canceled"})
    if (const auto* count = all && all->is_object() ? all->get_object().if_contains(state) : nullptr;
        count && count->is_int64() && count->get_int64() > 0)
      out.counts += fmt::format("{}{} {}", out.counts.empty() ? "" : ", ", count->get_int64(), state);
  if (out.counts.empty())
    out.counts = "no jobs";
  co_return out;
}

} // namespace

aio::task<result<exit_status>> run_watch(session& s) {
  if (!s.screen.can_draw() || !s.screen.shows_tables())
    co_return client::failure(exit_status::usage,
                              "watch needs a terminal that can move its cursor: `kiln ls` is for all others");
  auto now = co_await read_view(s); // what is wrong at once is said as by other commands
  if (!now)
    co_return now.error();
  full_screen shown{s, co_await aio::asio::this_coro::executor};
  for (;;) {
    shown.show(std::move(*now));
    co_await s.kilnd.pause(between_views);
    now = co_await read_view(s);
    if (!now)
      co_return now.error();
  }
}

} // namespace kiln::command

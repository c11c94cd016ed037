// SPDX-License-Identifier: Apache-2.0
#include "kiln/terminal.hpp"

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>

#include <sys/ioctl.h>
#include <unistd.h>

namespace kiln::command {
namespace {

bool is_capable() {
  const char* kind = std::getenv("TERM");
  return kind && *kind && std::string_view{kind} != "dumb";
}

bool wants_colours() {
  const char* none = std::getenv("NO_COLOR");
  return !none || !*none;
}

progress_form form_of(std::string_view name, bool can_draw) {
  return name == "bar"                ? progress_form::bar
         : name == "json"             ? progress_form::json
         : name == "none"             ? progress_form::none
         : name == "auto" && can_draw ? progress_form::bar
                                      : progress_form::plain;
}

std::string_view colour_of(std::string_view state) {
  return state == "running" || state == "succeeded" ? "\x1b[32m"
         : state == "failed"                        ? "\x1b[31m"
         : state == "paused" || state == "canceled" ? "\x1b[33m"
                                                    : "";
}

} // namespace

terminal::terminal(std::string_view progress)
    : progress_(progress_form::plain), is_terminal_(::isatty(STDERR_FILENO) == 1),
      shows_tables_(::isatty(STDOUT_FILENO) == 1), can_draw_(is_terminal_ && is_capable()),
      has_colours_(can_draw_ && wants_colours()) {
  progress_ = form_of(progress, can_draw_);
}

window_size terminal::size() const {
  winsize now{};
  window_size out;
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &now) == 0 && now.ws_col > 0 && now.ws_row > 0)
    out = {now.ws_col, now.ws_row};
  return out;
}

std::string terminal::coloured(std::string_view text, std::string_view state) const {
  const auto colour = has_colours_ ? colour_of(state) : std::string_view{};
  return colour.empty() ? std::string{text} : fmt::format("{}{}\x1b[0m", colour, text);
}

std::string terminal::clearing() const {
  return progress_ != progress_form::bar ? ""
         : can_draw_                     ? "\r\x1b[J"
                                         : "\r" + std::string(width_, ' ') + "\r";
}

void terminal::clear() {
  if (width_ > 0)
    std::fputs(clearing().c_str(), stderr);
  width_ = 0;
}

void terminal::redraw() {
  clear();
  if (!draw_)
    return;
  const auto columns = size().columns;
  auto line = draw_(columns > 1 ? columns - 1 : 1); // the last column would begin another line
  const auto head = line.substr(0, line.find(' '));
  std::fputs((coloured(head, head) + line.substr(head.size())).c_str(), stderr);
  std::fflush(stderr);
  width_ = line.size();
}

void terminal::say(const std::string& line) {
  if (take_line_)
    return take_line_(line);
  clear();
  if (progress_ == progress_form::json)
    std::fprintf(stderr, "%s\n", boost::json::serialize(boost::json::object{{"message", line}}).c_str());
  else
    std::fprintf(stderr, "%s\n", line.c_str());
  redraw();
}

void terminal::tell(const std::string& line) {
  if (progress_ != progress_form::none)
    say(line);
}

void terminal::show(const boost::json::value& job) {
  if (progress_ == progress_form::json)
    std::fprintf(stderr, "%s\n", boost::json::serialize(boost::json::object{{"job", job}}).c_str());
}

void terminal::live(std::function<std::string(std::size_t)> draw) {
  if (progress_ != progress_form::bar)
    return;
  draw_ = std::move(draw);
  redraw();
}

bool terminal::print(std::string_view text) {
  clear();
  const bool is_written =
      std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  has_failed_ = has_failed_ || !is_written;
  redraw();
  return is_written;
}

} // namespace kiln::command

// SPDX-License-Identifier: Apache-2.0
//
// What kiln prints: results to stdout, all else to stderr, where a terminal has a live line.
#pragma once

#include <boost/json/value.hpp>

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace kiln::command {

enum class progress_form {
  bar,   ///< a line that is replaced, and few that stay
  plain, ///< lines that stay
  json,  ///< each line is an object: {"job":{…}} or {"message":"…"}
  none,  ///< what is wrong, and the end of a job that did not succeed
};

struct window_size {
  std::size_t columns = 80, rows = 24;
};

class terminal {
public:
  /// `progress`: auto, bar, plain, json or none.
  explicit terminal(std::string_view progress);

  [[nodiscard]] progress_form progress() const noexcept { return progress_; }
  [[nodiscard]] bool is_terminal() const noexcept { return is_terminal_; }   ///< stderr
  [[nodiscard]] bool shows_tables() const noexcept { return shows_tables_; } ///< stdout is a terminal
  [[nodiscard]] bool can_draw() const noexcept { return can_draw_; }         ///< stderr moves its cursor
  [[nodiscard]] window_size size() const;
  [[nodiscard]] bool has_failed() const noexcept { return has_failed_; } ///< a result was not written

  /// A text in the colour of a state of jobs, where colours are wanted (NO_COLOR, TERM).
  [[nodiscard]] std::string coloured(std::string_view text, std::string_view state) const;

  /// A line for the user, to stderr.
  void say(const std::string& line);

  /// A line that only tells how things go.
  void tell(const std::string& line);

  /// A job as kilnd sent it, for progress_form::json; else nothing.
  void show(const boost::json::value& job);

  /// Replaces the live line, which `draw` makes for a number of columns; null: there is none any more.
  void live(std::function<std::string(std::size_t columns)> draw);

  /// Draws the live line, or the whole terminal, once more: the window has another size.
  void resized() { draw_all_ ? draw_all_() : redraw(); }

  /// Who has the whole terminal draws it, and gets the lines for the user; null: nobody has it.
  void give_whole(std::function<void()> draw, std::function<void(const std::string&)> line) {
    draw_all_ = std::move(draw);
    take_line_ = std::move(line);
  }

  /// A result, to stdout, as it is. False if it cannot be written.
  bool print(std::string_view text);

  /// What leaves the live line behind: text before other text.
  [[nodiscard]] std::string clearing() const;

private:
  void clear();
  void redraw();

  progress_form progress_;
  bool is_terminal_, shows_tables_, can_draw_, has_colours_;
  std::size_t width_ = 0; ///< of the live line that is shown
  bool has_failed_ = false;
  std::function<std::string(std::size_t)> draw_;
  std::function<void()> draw_all_;
  std::function<void(const std::string&)> take_line_;
};

} // namespace kiln::command

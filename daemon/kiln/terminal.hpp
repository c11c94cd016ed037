// SPDX-License-Identifier: Apache-2.0
//
// What kiln prints: results to stdout, all else to stderr, where a terminal has a live line.
#pragma once

#include <string>
#include <string_view>

namespace kiln::command {

class terminal {
public:
  terminal();

  [[nodiscard]] bool is_live() const noexcept { return is_live_; }           ///< stderr
  [[nodiscard]] bool shows_tables() const noexcept { return shows_tables_; } ///< stdout is a terminal

  /// A line for the user, to stderr.
  void say(const std::string& line);

  /// Replaces the live line; nothing without a terminal.
  void live(const std::string& line);

  /// A result, to stdout, as it is. False if it cannot be written.
  bool print(std::string_view text);

private:
  void clear();

  bool is_live_, shows_tables_;
  bool has_line_ = false;
};

} // namespace kiln::command

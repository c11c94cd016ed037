// SPDX-License-Identifier: Apache-2.0
#include "kiln/terminal.hpp"

#include "base/utf8.hpp"

#include <cstdio>
#include <cstdlib>

#include <sys/ioctl.h>
#include <unistd.h>

namespace kiln::command {
namespace {

bool is_capable() {
  const char* kind = std::getenv("TERM");
  return kind && std::string_view{kind} != "dumb";
}

std::size_t columns() {
  winsize now{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &now) == 0 && now.ws_col > 0 ? now.ws_col : 80;
}

} // namespace

terminal::terminal()
    : is_live_(::isatty(STDERR_FILENO) == 1 && is_capable()), shows_tables_(::isatty(STDOUT_FILENO) == 1) {}

void terminal::clear() {
  if (has_line_)
    std::fputs("\r\x1b[K", stderr);
  has_line_ = false;
}

void terminal::say(const std::string& line) {
  clear();
  std::fprintf(stderr, "%s\n", line.c_str());
}

void terminal::live(const std::string& line) {
  if (!is_live_)
    return;
  clear();
  const std::string fitting{first_characters(line, columns() - 1)};
  std::fputs(fitting.c_str(), stderr);
  std::fflush(stderr);
  has_line_ = true;
}

bool terminal::print(std::string_view text) {
  clear();
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
}

} // namespace kiln::command

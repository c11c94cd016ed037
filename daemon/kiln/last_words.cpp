// SPDX-License-Identifier: Apache-2.0
#include "kiln/last_words.hpp"

#include <array>
#include <atomic>
#include <csignal>
#include <deque>

#include <fcntl.h>
#include <unistd.h>

namespace kiln::command {
namespace {

std::atomic<const std::string*> words{nullptr}; // that a handler may read
std::atomic<const termios*> input_at_start{nullptr};
std::atomic<int> arrived{0};

extern "C" void end_by(int signal) { // only calls that are safe in a handler
  constexpr int by_signal = 128;
  if (arrived.fetch_add(1) == 0) {
    if (const auto* input = input_at_start.load())
      ::tcsetattr(STDIN_FILENO, TCSANOW, input);
    if (const auto* all = words.load()) [[maybe_unused]]
      const auto written = ::write(STDERR_FILENO, all->data(), all->size());
  }
  ::_exit(by_signal + signal);
}

} // namespace

void end_by_signals() {
  for (const int signal : std::array{SIGINT, SIGTERM, SIGHUP, SIGPIPE}) {
    struct sigaction before {};
    ::sigaction(signal, nullptr, &before);
    if (before.sa_handler == SIG_IGN && signal != SIGPIPE)
      continue;
    struct sigaction now {};
    now.sa_handler = end_by;
    now.sa_flags = SA_RESTART | SA_NODEFER;
    ::sigemptyset(&now.sa_mask);
    ::sigaction(signal, &now, nullptr);
  }
}

void set_last_words(const std::string& text) {
  static std::deque<std::string> all; // a handler may read an earlier one
  all.push_back(text);
  words = &all.back();
}

void restore_at_end(const termios* input) {
  input_at_start = input;
}

void open_standard_streams() {
  for (const int stream : std::array{STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::fcntl(stream, F_GETFD) < 0) // open() takes the lowest number that is free
        [[maybe_unused]]
      const int opened = ::open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

} // namespace kiln::command

// SPDX-License-Identifier: Apache-2.0
//
// How the program ends by a signal (Ctrl-C, SIGTERM, a closed terminal, a reader that has gone): at once,
// also while it writes to somebody who does not read. Frames and records on disk are whole at any moment. A
// second signal ends even the last words. One for the process, as signals are.
#pragma once

#include <string>

#include <termios.h>

namespace kiln::command {

/// From here on these signals end the program with 128 and their number. Those that were ignored at its start
/// (nohup, a job in the background of a script) stay so. Closes no gaps in the standard streams: see
/// open_standard_streams().
void end_by_signals();

/// What is written to the standard error then; empty: nothing.
void set_last_words(const std::string& text);

/// What the terminal of the standard input becomes then; null: it stays. Borrowed.
void restore_at_end(const termios* input);

/// A standard stream that is closed is opened, such that reading and writing fail: else a frame would be
/// opened in its place, and be written to.
void open_standard_streams();

} // namespace kiln::command

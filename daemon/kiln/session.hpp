// SPDX-License-Identifier: Apache-2.0
//
// The parts that each command uses.
#pragma once

#include "client/caller.hpp"
#include "client/exit_status.hpp"
#include "kiln/options.hpp"
#include "kiln/terminal.hpp"

#include <boost/json/value.hpp>

#include <filesystem>
#include <functional>
#include <string>

namespace kiln::client {
class download;
}

namespace kiln::command {

struct session {
  const options& asked;
  terminal& screen;
  client::caller& kilnd;
  std::filesystem::path state; ///< directory of kiln's own state; empty: there is none
  std::string words;           ///< that choose the kilnd in a command, each followed by a space

  [[nodiscard]] client::notice notices() {
    return [this](const std::string& line) { screen.tell("kiln: " + line); };
  }
};

/// The id that was sent from here last; empty if there is none.
[[nodiscard]] std::string last_job(const session& s);
void remember_last(session& s, const std::string& id);

/// Watches a job to its end, with its frames into `home` unless it is null; reports it. The status of its
/// end.
[[nodiscard]] aio::task<result<client::exit_status>> follow(session& s, std::string id,
                                                            client::download* home);

/// A function that prints the path of each file that has arrived.
[[nodiscard]] std::function<void(const std::filesystem::path&)> path_printer(session& s);

/// Prints JSON with its newline.
void print_json(session& s, const boost::json::value& what);

[[nodiscard]] aio::task<result<client::exit_status>> run_render(session& s);

/// All jobs on a whole terminal, until somebody presses q.
[[nodiscard]] aio::task<result<client::exit_status>> run_watch(session& s);

/// All other commands.
[[nodiscard]] aio::task<result<client::exit_status>> run_on_jobs(session& s);

} // namespace kiln::command

// SPDX-License-Identifier: Apache-2.0
#include "base/environment.hpp"
#include "client/connection.hpp"
#include "client/local_kilnd.hpp"
#include "client/token_source.hpp"
#include "kiln/session.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <optional>
#include <system_error>

#include <unistd.h>

namespace {

using namespace kiln;
using namespace kiln::command;
using client::exit_status;

/// Frames and records are whole at any moment, so that the program simply ends.
[[noreturn]] void end_by(int signal, terminal& screen, const std::string& watched, const std::string& words) {
  constexpr int by_signal = 128;
  screen.say(watched.empty()
                 ? std::string{"kiln: interrupted"}
                 : fmt::format("kiln: job {0} goes on: `kiln wait {1}{0}` (or the same command) comes "
                               "back to it, `kiln cancel {1}{0}` ends it",
                               watched, words));
  std::fflush(nullptr);
  ::_exit(by_signal + signal);
}

/// The directory that renders of a kilnd of --local may read.
result<std::filesystem::path> root_of(const options& asked) {
  auto root = asked.root;
  std::error_code wrong;
  if (root.empty() && asked.verb == "render")
    root = std::filesystem::canonical(asked.file, wrong).parent_path();
  if (!wrong)
    root = std::filesystem::canonical(root.empty() ? "." : root, wrong);
  if (wrong)
    return client::failure(exit_status::usage,
                           fmt::format("{} cannot be read: {}",
                                       (asked.root.empty() ? asked.file : asked.root).native(),
                                       wrong.message()));
  return root;
}

result<client::server> find_server(const options& asked, const std::vector<std::string>& environment) {
  auto to = client::parse_server(asked.url);
  if (!to)
    return to;
  const auto token = client::find_token(asked.token_file, environment);
  if (!token)
    return token.error();
  if (*token)
    if (auto added = client::add_token(*to, (**token).text, (**token).source, asked.token_over_http); !added)
      return added.error();
  return to;
}

aio::task<> run(session& s, result<exit_status>& into) {
  if (s.asked.verb == "render")
    into = co_await run_render(s);
  else
    into = co_await run_on_jobs(s);
}

int run(const options& asked, const std::vector<std::string>& environment) {
  terminal screen;
  const auto report = [&](const error& e) {
    screen.say("kiln: " + e.message);
    return static_cast<int>(client::status_of(e));
  };
  std::optional<client::local_kilnd> own;
  client::opener open;
  result<client::server> to = error{};
  std::string words;
  if (asked.local) {
    auto root = root_of(asked);
    if (!root)
      return report(root.error());
    words = fmt::format("--local --root {} ", root->native());
    to = client::parse_server("http://localhost");
    to->text = fmt::format("the kilnd of {}", root->native()); // the same one at each start
    own.emplace(*root, asked.kilnd, environment);
    open = [&own] { return own->connect(); };
  } else {
    to = find_server(asked, environment);
  }
  if (!to)
    return report(to.error());
  aio::asio::io_context loop{1};
  client::connection over{loop.get_executor(), std::move(*to), "kiln/" KILN_VERSION, std::move(open)};
  const auto notices = [&](const std::string& line) { screen.say("kiln: " + line); };
  client::caller kilnd{loop.get_executor(), over, std::chrono::seconds{asked.patience}, notices};
  std::string watched;
  session s{asked, screen, kilnd, client::own_directory(environment, "XDG_STATE_HOME", ".local/state"),
            watched};
  aio::asio::basic_signal_set<aio::executor_type> signals{loop.get_executor(), SIGINT, SIGTERM};
  signals.async_wait([&](const boost::system::error_code& ec, int signal) {
    if (!ec)
      end_by(signal, screen, watched, words);
  });
  result<exit_status> outcome = error{};
  std::exception_ptr thrown;
  aio::asio::co_spawn(loop, run(s, outcome), [&](std::exception_ptr e) {
    thrown = std::move(e);
    signals.cancel();
  });
  loop.run();
  if (thrown)
    std::rethrow_exception(thrown);
  if (outcome)
    return static_cast<int>(*outcome);
  if (own)
    if (const auto why = client::status_of(outcome.error()) == exit_status::not_reached ? own->trouble() : "";
        !why.empty())
      screen.say("kiln: " + why);
  return report(outcome.error());
}

} // namespace

int main(int argc, char** argv) {
  try {
    std::vector<std::string> environment;
    for (char** variable = environ; *variable; ++variable)
      environment.emplace_back(*variable);
    const auto read = read_options({argv + 1, argv + argc}, environment);
    if (const auto* early = std::get_if<early_exit>(&read)) {
      std::fputs(early->text.c_str(), early->status == 0 ? stdout : stderr);
      return early->status;
    }
    return run(std::get<options>(read), environment);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "kiln: a defect of Kiln ended it: %s\n", e.what());
    return static_cast<int>(exit_status::defect);
  }
}

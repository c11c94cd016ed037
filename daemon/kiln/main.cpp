// SPDX-License-Identifier: Apache-2.0
#include "base/environment.hpp"
#include "client/connection.hpp"
#include "client/local_kilnd.hpp"
#include "client/token_source.hpp"
#include "kiln/last_words.hpp"
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
  else if (s.asked.verb == "watch")
    into = co_await run_watch(s);
  else
    into = co_await run_on_jobs(s);
}

void wait_for_sizes(aio::asio::basic_signal_set<aio::executor_type>& sizes, terminal& screen) {
  sizes.async_wait([&](const boost::system::error_code& ec, int) {
    if (ec)
      return;
    screen.resized();
    wait_for_sizes(sizes, screen);
  });
}

/// Writes go on after the signal, as without it.
void follow_sizes(aio::asio::basic_signal_set<aio::executor_type>& sizes, terminal& screen) {
  boost::system::error_code ignored;
  sizes.add(SIGWINCH, ignored);
  struct sigaction now {};
  ::sigaction(SIGWINCH, nullptr, &now);
  now.sa_flags |= SA_RESTART;
  ::sigaction(SIGWINCH, &now, nullptr);
  wait_for_sizes(sizes, screen);
}

int run(const options& asked, const std::vector<std::string>& environment) {
  terminal screen{asked.progress};
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
  const auto notices = [&](const std::string& line) { screen.tell("kiln: " + line); };
  client::caller kilnd{loop.get_executor(), over, std::chrono::seconds{asked.patience}, notices};
  session s{asked, screen, kilnd, client::own_directory(environment, "XDG_STATE_HOME", ".local/state"),
            words};
  aio::asio::basic_signal_set<aio::executor_type> sizes{loop.get_executor()};
  if (screen.can_draw())
    follow_sizes(sizes, screen);
  result<exit_status> outcome = error{};
  std::exception_ptr thrown;
  aio::asio::co_spawn(loop, run(s, outcome), [&](std::exception_ptr e) {
    thrown = std::move(e);
    sizes.cancel();
  });
  loop.run();
  if (thrown)
    std::rethrow_exception(thrown);
  if (outcome && *outcome == exit_status::succeeded && screen.has_failed())
    outcome = client::failure(exit_status::incomplete, "the standard output cannot be written");
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
    open_standard_streams();
    end_by_signals();
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

// SPDX-License-Identifier: Apache-2.0
#include "app/colours.hpp"

#include "blender/setup_script.hpp"
#include "digest/sha256.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace kiln::app {
namespace {

constexpr std::chrono::seconds longest_bake{60};
constexpr std::size_t most_known = 4; // files of 8 MB each, without names

/// The settings of the scene, which a job's report has.
std::string settings_in(const std::string& report) {
  boost::system::error_code ec;
  const auto parsed = boost::json::parse(report, ec);
  const auto* object = ec ? nullptr : parsed.if_object();
  const auto* found = object ? object->if_contains("colours") : nullptr;
  return found && found->is_object() ? boost::json::serialize(*found) : std::string{};
}

/// The reason that the script has printed for its failure.
std::string reason_in(const std::string& printed) {
  constexpr std::string_view mark = "kiln_colours: ";
  constexpr std::size_t longest = 300;
  const auto at = printed.rfind(mark);
  if (at == std::string::npos)
    return "it does not say why";
  const auto line = printed.substr(at + mark.size(), longest);
  return line.substr(0, line.find('\n'));
}

} // namespace

colours::colours(aio::executor_type loop, bounded_runs& runs, const local::installs& installs,
                 std::filesystem::path state, std::vector<std::string> environment)
    : runs_(runs), installs_(installs), state_(std::move(state)), environment_(std::move(environment)),
      asked_(loop) {}

result<preview::shown_colours> colours::find(const std::string& blender, const std::string& report) {
  auto settings = settings_in(report);
  if (settings.empty())
    return error{errc::unsupported, "Blender has not said how the scene shows its colours"};
  const auto* install = installs_.find(blender);
  if (!install || install->program.empty())
    return error{errc::unsupported,
                 fmt::format("the Blender of the job, {}, is not on this machine", blender)};
  auto key = digest::sha256(fmt::format("{}\n{}\n{}", install->version, install->identity, settings));
  auto make = [this, key, of = *install, settings = std::move(settings)] {
    return find_or_ask(key, of, settings);
  };
  return preview::shown_colours{std::move(key), std::move(make)};
}

aio::task<result<colours::open_file>> colours::find_or_ask(std::string key, blender::install of,
                                                           std::string settings) {
  struct turn {
    explicit turn(colours& c) : in(c) { in.is_asking_ = true; }
    turn(const turn&) = delete;
    turn& operator=(const turn&) = delete;
    ~turn() {
      in.is_asking_ = false;
      in.asked_.notify_all();
    }
    colours& in;
  };
  while (is_asking_) // one Blender at a time
    co_await asked_.wait();
  const turn mine{*this};
  const auto before = std::ranges::find(known_, key, &known::key);
  if (before != known_.end()) {
    known_.splice(known_.begin(), known_, before);
    co_return known_.front().answer;
  }
  auto answer = co_await ask(std::move(of), std::move(settings));
  if (!answer && answer.error().code != errc::unsupported) // may pass
    co_return answer.error();
  known_.push_front({std::move(key), std::move(answer)});
  if (known_.size() > most_known)
    known_.pop_back();
  co_return known_.front().answer;
}

aio::task<result<colours::open_file>> colours::ask(blender::install of, std::string settings) {
  const auto directory = state_ / "colours";
  process::launch_request request{.executable = of.program,
                                  .arguments = {"-b", "--factory-startup", "-noaudio", "--python-expr",
                                                std::string{blender::colours_script}, "--",
                                                std::move(settings)},
                                  .environment = environment_,
                                  .working_directory = directory,
                                  .log_file = directory / "log"};
  request.environment.push_back("TMPDIR=" + (directory / "tmp").native());
  std::string file = "cube";
  auto run = co_await runs_.run(std::move(request), longest_bake, std::move(file));
  if (!run)
    co_return run.error();
  if (!run->exit.is_success() || !run->kept)
    co_return error{errc::unsupported,
                    fmt::format("{} cannot show the colours of the scene: {}", of.version,
                                run->is_late ? fmt::format("it took longer than {} s", longest_bake.count())
                                             : reason_in(run->printed))};
  co_return std::move(run->kept);
}

} // namespace kiln::app

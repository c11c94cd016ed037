// SPDX-License-Identifier: Apache-2.0
#include "local/local_executor.hpp"

#include "base/paths.hpp"
#include "digest/sha256.hpp"
#include "domain/spec_json.hpp"
#include "local/blender_choice.hpp"
#include "local/session_directory.hpp"
#include "output/results.hpp"
#include "process/process_table.hpp"

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <set>
#include <string_view>
#include <utility>

namespace kiln::local {
namespace {

/// Ends processes and removes directories that belong to no known attempt.
void sweep(const std::set<attempt_id>& kept, const local_settings& settings) {
  std::set<std::filesystem::path> needed;
  for (const auto& id : kept) {
    auto paths = kiln::executor::find_paths(id, settings.output, settings.state);
    needed.insert(std::move(paths.directory));
    needed.insert(std::move(paths.taken));
    needed.insert(std::move(paths.printed));
  }
  std::vector<std::filesystem::path> gone;
  for (auto& found : kiln::executor::list_left_over(settings.output))
    if (!needed.contains(found))
      gone.push_back(std::move(found));
  kiln::executor::forget_other_places(kept, settings.state);
  for (const auto& name : output::list_files(settings.state / "processes")) {
    const auto directory = settings.output / ".kiln" / name;
    if (needed.contains(directory))
      continue;
    const auto entry = kiln::executor::process_entry(directory, settings.state);
    // Even if its working directory has changed.
    if (const auto identity = kiln::executor::kept_process(entry))
      if (const auto pid = process::find_process(*identity))
        ::kill(-*pid, SIGKILL);
    std::error_code ignored;
    std::filesystem::remove(entry, ignored);
  }
  for (const auto& stray : process::processes_in(settings.output / ".kiln"))
    for (const auto& directory : gone) {
      const auto place = process::working_directory_of(stray.pid);
      const bool is_inside = is_at_or_below(place, directory);
      // It may also be a user's shell.
      if (is_inside && process::has_variable(stray.pid, mark_of(temp_of_session(directory))))
        ::kill(stray.pid, SIGKILL);
    }
  std::error_code ignored;
  for (const auto& directory : gone)
    std::filesystem::remove_all(directory, ignored);
}

} // namespace

local_executor::local_executor(aio::executor_type loop, local_settings settings, aio::blocking_pool& pool,
                               image::image_check& images)
    : loop_(loop), settings_(std::move(settings)), pool_(pool), images_(images), digests_(loop, pool),
      sessions_(loop, settings_, pool), changed_(loop),
      // Attempts report their own failures; what is thrown past that is a broken invariant.
      attempts_(loop, [](const std::exception_ptr& thrown) { std::rethrow_exception(thrown); }),
      steps_(loop, [](const std::exception_ptr& thrown) { std::rethrow_exception(thrown); }) {}

local_executor::attempt_ptr local_executor::add(kiln::executor::attempt_request request,
                                                kiln::executor::attempt_observer& observer) {
  auto attempt = std::make_shared<local_attempt>(loop_, settings_, pool_, images_, digests_, sessions_,
                                                 steps_, std::move(request), observer);
  running_.emplace(attempt->id(), attempt);
  return attempt;
}

aio::task<std::optional<pid_t>> local_executor::start(kiln::executor::attempt_request request,
                                                      kiln::executor::attempt_observer& observer) {
  const auto attempt = add(std::move(request), observer);
  attempts_.spawn(live(attempt, local_attempt::beginning::launch, observer));
  while (!attempt->pid() && running_.contains(attempt->id()))
    co_await changed_.wait();
  co_return attempt->pid();
}

aio::task<> local_executor::live(attempt_ptr attempt, local_attempt::beginning how,
                                 kiln::executor::attempt_observer& observer) {
  std::function<void()> on_started = [this] { changed_.notify_all(); };
  const auto facts = co_await attempt->run(how, std::move(on_started));
  if (facts)
    co_await attempt->clean_up(); // before on_end: the next attempt of the job uses the same directories
  running_.erase(attempt->id());
  if (facts)
    observer.on_end(attempt->id(), *facts);
  changed_.notify_all();
}

aio::task<> local_executor::recover(std::vector<kiln::executor::attempt_request> known,
                                    kiln::executor::attempt_observer& observer) {
  std::set<attempt_id> kept;
  for (const auto& request : known)
    kept.insert(request.id);
  const auto sweep_here = [kept, settings = settings_] {
    sweep(kept, settings);
    return true;
  };
  (void)co_await pool_.run(sweep_here);
  for (auto& request : known) {
    const auto attempt = add(std::move(request), observer);
    attempts_.spawn(live(attempt, local_attempt::beginning::adopt, observer));
  }
}

aio::task<std::optional<std::string>> local_executor::fingerprint(domain::job_spec spec) {
  const auto blend = co_await digests_.of_job(spec);
  if (!blend)
    co_return std::nullopt;
  const auto settings = boost::json::serialize(domain::format_settings(spec.settings));
  const auto install = co_await settings_.blenders->current(spec.blender, pool_);
  co_return digest::sha256(fmt::format("{}\n{}\n{}\n{}{}", *blend, settings, spec.threads,
                                       install ? install->version : spec.blender,
                                       spec.autorun ? "\nautorun" : ""));
}

aio::task<std::optional<blender::choice>> local_executor::choose_blender(domain::job_spec spec) {
  auto asked = spec.blender;
  const auto installs = co_await settings_.blenders->now(std::move(asked), pool_);
  auto choose_here = [&settings = settings_, installs, spec = std::move(spec)] {
    return kiln::local::choose_blender(*installs, spec, settings.open_blend);
  };
  auto found = co_await pool_.run(std::move(choose_here));
  auto* chosen = std::get_if<blender::choice>(&found);
  co_return chosen ? std::optional{std::move(*chosen)} : std::nullopt;
}

void local_executor::leave() {
  for (const auto& [id, attempt] : running_)
    attempt->leave();
  sessions_.leave();
}

void local_executor::give(const attempt_id& id, std::vector<int> frames) {
  if (const auto found = running_.find(id); found != running_.end())
    found->second->give(frames);
}

void local_executor::expect(domain::job_spec spec, std::string owner) {
  if (sessions_.is_on() && !spec.own_process)
    attempts_.spawn(make_ready(std::move(spec), std::move(owner)));
}

aio::task<> local_executor::make_ready(domain::job_spec spec, std::string owner) {
  auto copy = spec;
  const auto chosen = co_await choose_blender(std::move(copy));
  if (!chosen) // its attempt will report the reason
    co_return;
  spec.blender = chosen->blender;
  auto digest = co_await digests_.of_job(spec);
  if (!digest)
    co_return;
  const auto* by = settings_.blenders->find(spec.blender); // current: choose_blender() has just asked
  if (!by)
    co_return;
  auto install = *by;
  auto key = key_of(spec, install, std::move(*digest), std::move(owner));
  co_await sessions_.expect(std::move(key), std::move(install));
}

aio::task<bool> local_executor::has_memory_for_another(job_id of) {
  std::uint64_t most = 0;
  for (const auto& [id, attempt] : running_)
    if (id.job == of)
      most = std::max(most, attempt->memory());
  const auto look = [] { return process::available_memory(); };
  const auto available = co_await pool_.run(look);
  constexpr std::uint64_t slack = 256ULL << 20; // running Blenders may still grow
  co_return available > most + most / 4 + slack;
}

void local_executor::stop(const attempt_id& id, domain::stop_reason reason) {
  if (const auto found = running_.find(id); found != running_.end())
    found->second->stop(reason);
}

aio::task<> local_executor::join() {
  digests_.stop();
  co_await attempts_.join();
  co_await steps_.join();
  co_await sessions_.join();
}

std::vector<std::string> environment_for_blender(const std::vector<std::string>& own,
                                                 const process::credentials_ptr& user) {
  constexpr std::array kept_back{"KILN_",   "NOTIFY_SOCKET=", "LISTEN_", "WATCHDOG_",
                                 "TMPDIR=", "TEMP=",          "TMP="};
  std::vector<std::string> passed;
  std::ranges::copy_if(own, std::back_inserter(passed), [&](std::string_view variable) {
    return std::ranges::none_of(kept_back, [&](const char* prefix) { return variable.starts_with(prefix); });
  });
  return user ? process::environment_of(*user, std::move(passed)) : passed;
}

} // namespace kiln::local

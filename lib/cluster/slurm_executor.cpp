// SPDX-License-Identifier: Apache-2.0
#include "cluster/slurm_executor.hpp"

#include "digest/sha256.hpp"
#include "domain/spec_json.hpp"
#include "process/process_table.hpp"
#include "slurm/text.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <csignal>
#include <fstream>
#include <utility>

#include <unistd.h>

namespace kiln::cluster {
namespace {

namespace fs = std::filesystem;

/// An sbatch that outlived its kilnd may still submit. After this call it cannot, and its submission, if any,
/// is in the queue.
void end_left_over_commands(const fs::path& output) {
  for (const auto& stray : process::processes_in(output / ".kiln")) {
    std::string name;
    std::getline(std::ifstream{fmt::format("/proc/{}/comm", stray.pid)}, name);
    if (name == "sbatch")
      ::kill(stray.group == stray.pid ? -stray.group : stray.pid, SIGKILL);
  }
}

/// Removes directories of no known attempt; an attempt of a session starts over here.
void remove_unknown(const std::set<attempt_id>& kept, const slurm_settings& settings) {
  std::error_code ignored;
  for (const auto& found : kiln::executor::list_left_over(settings.output)) {
    const auto id = attempt_id::parse(found.filename().native());
    if (!id)
      fs::remove_all(found, ignored);
    else if (!kept.contains(*id))
      remove(kiln::executor::paths_of(*id, settings.output, settings.state));
  }
}

} // namespace

slurm_executor::slurm_executor(aio::executor_type loop, slurm_settings settings, aio::blocking_pool& pool,
                               image::image_check& images)
    : loop_(loop), settings_(std::move(settings)), pool_(pool), images_(images), digests_(loop, pool),
      commands_(loop, command_pool_, settings_), queue_(loop),
      owner_(digest::sha256(settings_.output.native()).substr(0, 16)), next_look_(loop),
      // Attempts report their own failures; what is thrown past that is a broken invariant.
      attempts_(loop, [](const std::exception_ptr& thrown) { std::rethrow_exception(thrown); }) {}

slurm_executor::attempt_ptr slurm_executor::add(kiln::executor::attempt_request request,
                                                kiln::executor::attempt_observer& observer) {
  auto attempt = std::make_shared<slurm_attempt>(loop_, settings_, pool_, images_, commands_, queue_, owner_,
                                                 std::move(request), observer);
  running_.emplace(attempt->id(), attempt);
  return attempt;
}

aio::task<std::optional<pid_t>> slurm_executor::start(kiln::executor::attempt_request request,
                                                      kiln::executor::attempt_observer& observer) {
  const auto attempt = add(std::move(request), observer);
  attempts_.spawn(live(attempt, slurm_attempt::beginning::launch, observer));
  watch();
  co_return std::nullopt;
}

aio::task<> slurm_executor::live(attempt_ptr attempt, slurm_attempt::beginning how,
                                 kiln::executor::attempt_observer& observer) {
  const auto facts = co_await attempt->run(how);
  if (facts)
    co_await attempt->clean_up(); // before on_end: the next attempt of the job uses the same directories
  running_.erase(attempt->id());
  if (facts)
    observer.on_end(attempt->id(), *facts);
  if (running_.empty())
    next_look_.cancel();
}

void slurm_executor::watch() {
  if (!std::exchange(watching_, true))
    attempts_.spawn(watch_queue());
}

bool slurm_executor::has_to_look() const noexcept {
  const bool has_left_something = !swept_ || (!queue_.ended.empty() && !joining_);
  return (!running_.empty() || has_left_something) && !leaving_;
}

aio::task<> slurm_executor::watch_queue() {
  while (has_to_look()) {
    co_await look();
    queue_.looked.notify_all();
    if (!has_to_look())
      break;
    boost::system::error_code ignored;
    next_look_.expires_after(settings_.poll);
    co_await next_look_.async_wait(aio::asio::redirect_error(aio::use_task, ignored));
  }
  queue_.trouble.clear();
  watching_ = false;
}

aio::task<> slurm_executor::look() {
  auto arguments = slurm::format_queue_arguments(std::to_string(::getuid()));
  auto directory = settings_.state;
  const auto answer = co_await commands_.run("squeue", std::move(arguments), std::move(directory));
  if (!answer) {
    queue_.trouble = "Slurm's queue cannot be read: " + answer.error().message;
    co_return;
  }
  if (!answer->is_success) {
    queue_.trouble = "Slurm's queue cannot be read: " + slurm::describe_refusal(answer->text);
    co_return;
  }
  auto rows = slurm::parse_queue(answer->text);
  if (!rows) {
    queue_.trouble = rows.error().message;
    co_return;
  }
  queue_.trouble.clear();
  queue_.by_array.clear();
  queue_.array_of_name.clear();
  const auto all = swept_ ? std::vector<slurm::queue_row>{} : *rows;
  for (auto& row : *rows) {
    if (slurm::array_name::parse(row.name))
      queue_.array_of_name.insert_or_assign(row.name, row.array);
    auto& of = queue_.by_array[row.array];
    of.push_back(std::move(row));
  }
  ++queue_.number;
  if (leaving_) // attempts left running are no longer known here
    co_return;
  if (!swept_)
    co_await sweep(all);
  co_await free_nodes();
}

aio::task<> slurm_executor::free_nodes() {
  if (queue_.ended.empty())
    co_return;
  std::set<slurm::task_id> running;
  for (const auto& [id, rows] : queue_.by_array)
    for (const auto& row : rows)
      if (row.state == slurm::task_state::running)
        for (const int task : row.tasks)
          running.emplace(id, task);
  auto kept = queue_.ended.still_shown(running, queue_.number, aio::clock::now(), settings_.lag);
  if (kept.empty())
    co_return;
  auto directory = settings_.state;
  (void)co_await commands_.run("scancel", std::move(kept), std::move(directory)); // failures are listed again
}

/// Cancels jobs of this Kiln that belong to no attempt.
aio::task<> slurm_executor::sweep(std::vector<slurm::queue_row> rows) {
  std::set<std::string> strays;
  for (const auto& row : rows) {
    const auto name = slurm::array_name::parse(row.name);
    if (name && row.comment == "kiln:" + owner_ && !slurm::is_over(row.state) &&
        !running_.contains(name->attempt))
      strays.insert(std::to_string(row.array));
  }
  swept_ = true;
  if (strays.empty())
    co_return;
  std::vector<std::string> ids{strays.begin(), strays.end()};
  auto directory = settings_.state;
  const auto done = co_await commands_.run("scancel", std::move(ids), std::move(directory));
  swept_ = done && done->is_success;
}

aio::task<> slurm_executor::recover(std::vector<kiln::executor::attempt_request> known,
                                    kiln::executor::attempt_observer& observer) {
  std::set<attempt_id> kept;
  for (const auto& request : known)
    kept.insert(request.id);
  const auto sweep_here = [kept, settings = settings_] {
    end_left_over_commands(settings.output);
    remove_unknown(kept, settings);
    return true;
  };
  (void)co_await pool_.run(sweep_here);
  swept_ = false;
  for (auto& request : known) {
    const auto attempt = add(std::move(request), observer);
    attempts_.spawn(live(attempt, slurm_attempt::beginning::adopt, observer));
  }
  watch();
}

std::string slurm_executor::trouble() const {
  if (!queue_.trouble.empty())
    return queue_.trouble;
  for (const auto& [id, attempt] : running_)
    if (!attempt->trouble().empty())
      return attempt->trouble();
  return {};
}

aio::task<std::optional<std::string>> slurm_executor::fingerprint(domain::job_spec spec) {
  const auto blend = co_await digests_.of_job(spec);
  if (!blend)
    co_return std::nullopt;
  const auto settings = boost::json::serialize(domain::format_settings(spec.settings));
  const auto* install = blender::find_install(settings_.blenders, spec.blender);
  co_return digest::sha256(fmt::format("{}\n{}\n{}\nslurm\n{}\n{}\n{}\n{}{}", *blend, settings, spec.threads,
                                       install ? install->executable.native() : spec.blender,
                                       spec.slurm.partition, spec.slurm.constraint, spec.slurm.gres,
                                       spec.autorun ? "\nautorun" : ""));
}

void slurm_executor::stop(const attempt_id& id, domain::stop_reason reason) {
  if (const auto found = running_.find(id); found != running_.end())
    found->second->stop(reason);
}

void slurm_executor::set_priority(const attempt_id& id, int priority) {
  if (const auto found = running_.find(id); found != running_.end())
    found->second->set_priority(priority);
}

void slurm_executor::leave() {
  leaving_ = true;
  next_look_.cancel();
  for (const auto& [id, attempt] : running_)
    attempt->leave();
}

aio::task<> slurm_executor::join() {
  joining_ = true;
  digests_.stop();
  if (running_.empty())
    leaving_ = true;
  next_look_.cancel();
  co_await attempts_.join();
}

} // namespace kiln::cluster

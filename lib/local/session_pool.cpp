// SPDX-License-Identifier: Apache-2.0
#include "local/session_pool.hpp"

#include "base/scope_exit.hpp"
#include "executor/attempt_places.hpp"
#include "local/session_directory.hpp"
#include "process/process_table.hpp"

#include <boost/asio/redirect_error.hpp>

#include <algorithm>
#include <utility>

namespace kiln::local {

session_pool::session_pool(aio::executor_type loop, const local_settings& settings, aio::blocking_pool& pool)
    : loop_(loop), settings_(settings), pool_(pool), idle_over_(loop), look_due_(loop),
      work_(loop, [](const std::exception_ptr& thrown) { std::rethrow_exception(thrown); }) {}

std::list<session_pool::waiting>::iterator session_pool::find_idle(const session_key& key) {
  // The most recently used first: its memory is the warmest, and the others can be ended.
  const auto found =
      std::find_if(idle_.rbegin(), idle_.rend(), [&](const waiting& w) { return w.one->key() == key; });
  return found == idle_.rend() ? idle_.end() : std::prev(found.base());
}

aio::task<result<session_pool::session_ptr>> session_pool::take(session_key key) {
  end_replaced(key);
  if (const auto found = find_idle(key); found != idle_.end()) {
    const auto one = found->one;
    idle_.erase(found);
    if (idle_.empty())
      look_due_.cancel();
    if (one->is_alive())
      co_return lend(one);
  }
  const auto make_here = [output = settings_.output, user = settings_.run_as] {
    return make_session_directory(output, user.get());
  };
  auto directory = co_await pool_.run(make_here);
  if (!directory)
    co_return directory.error();
  co_return lend(std::make_shared<session>(loop_, settings_, std::move(key), std::move(*directory)));
}

session_pool::session_ptr session_pool::lend(session_ptr one) {
  lent_.push_back(one);
  return one;
}

/// Ends idle sessions with an earlier program of the same Blender: no attempt will match them.
void session_pool::end_replaced(const session_key& key) {
  idle_.remove_if([&](const waiting& w) {
    const bool is_replaced = w.one->key().blender == key.blender && w.one->key().program != key.program;
    if (is_replaced)
      w.one->end();
    return is_replaced;
  });
}

result<void> session_pool::launch(const session_ptr& one, const blender::install& by,
                                  process::confinement_ptr sandbox, const std::filesystem::path& log) {
  auto started = one->launch(by, std::move(sandbox), log);
  if (started) {
    all_.push_back(one);
    work_.spawn(live(one));
  }
  return started;
}

aio::task<> session_pool::live(session_ptr one) {
  co_await one->live();
  all_.remove(one);
  idle_.remove_if([&](const waiting& w) { return w.one == one; });
  if (!left_ && std::ranges::find(lent_, one) == lent_.end())
    co_await remove(std::move(one));
}

aio::task<> session_pool::remove(session_ptr one) {
  const auto remove_here = [directory = one->directory(), state = settings_.state] {
    std::error_code ignored;
    std::filesystem::remove(executor::process_entry(directory, state), ignored);
    return std::filesystem::remove_all(directory, ignored);
  };
  (void)co_await pool_.run(remove_here);
}

void session_pool::give_back(session_ptr one, bool sound) {
  lent_.remove(one);
  if (left_)
    return;
  if (std::ranges::find(all_, one) == all_.end()) // not started, or already ended
    return work_.spawn(remove(std::move(one)));
  if (hurried_)
    return one->kill();
  if (!one->is_alive())
    return;
  if (sound && !policy::is_worn_out(one->wear(), settings_.sessions))
    keep(std::move(one));
  else
    one->end();
}

void session_pool::keep(session_ptr one) {
  idle_.push_back({std::move(one), aio::clock::now()});
  trim();
  if (!watching_ && !idle_.empty()) {
    watching_ = true;
    work_.spawn(watch_idle_time());
  }
  if (!looking_ && !idle_.empty()) {
    looking_ = true;
    work_.spawn(watch_idle_use());
  }
}

void session_pool::trim() {
  std::vector<std::uint64_t> memory;
  for (const auto& w : idle_)
    memory.push_back(w.one->memory());
  for (auto count = policy::count_to_end(memory, settings_.sessions); count > 0; --count) {
    idle_.front().one->end();
    idle_.pop_front();
  }
}

/// Runs only while there are idle sessions: an idle daemon has no timer.
aio::task<> session_pool::watch_idle_time() {
  while (!idle_.empty()) {
    const auto due = idle_.front().since + settings_.sessions.idle_time;
    if (due <= aio::clock::now()) {
      idle_.front().one->end();
      idle_.pop_front();
      continue;
    }
    boost::system::error_code ignored;
    idle_over_.expires_at(due);
    co_await idle_over_.async_wait(aio::asio::redirect_error(aio::use_task, ignored));
  }
  watching_ = false;
}

/// Ends idle sessions that take more than they may, or that do something although they have nothing to do.
/// Looks become rarer, so that sessions that rest keep nobody awake.
aio::task<> session_pool::watch_idle_use() {
  constexpr std::chrono::seconds first_look{1}, rarest_look{64};
  auto until_next = first_look;
  std::size_t known = 0;
  while (!idle_.empty()) {
    if (idle_.size() > known)
      until_next = first_look;
    known = idle_.size();
    boost::system::error_code ec;
    look_due_.expires_after(until_next);
    co_await look_due_.async_wait(aio::asio::redirect_error(aio::use_task, ec));
    until_next = std::min(until_next * 4, rarest_look);
    std::vector<session_ptr> ones;
    for (const auto& w : idle_)
      ones.push_back(w.one);
    for (const auto& one : ones) {
      const auto look = [group = one->pid(), directory = one->directory(), bounds = settings_.bounds] {
        const auto used = process::use_of_group(group);
        return std::pair{used, excess_of(used, {}, bounds) || excess_of_files(directory, bounds)};
      };
      const auto [use, exceeds] = co_await pool_.run(look);
      const auto found = std::ranges::find(idle_, one, &waiting::one);
      if (found == idle_.end()) // lent or ended meanwhile
        continue;
      const policy::session_look now{
          .memory = use.memory, .cpu = use.cpu, .at = aio::clock::now().time_since_epoch()};
      if (exceeds || (found->first.at.count() > 0 && policy::is_restless(found->first, now))) {
        one->kill();
        idle_.erase(found);
      } else if (!one->is_busy()) {
        const auto memory = found->first.at.count() > 0 ? found->first.memory : now.memory;
        found->first = now;
        found->first.memory = memory; // slow growth adds up
      }
    }
  }
  looking_ = false;
}

aio::task<> session_pool::expect(session_key key, blender::install by) {
  const auto fits = [&](const session_ptr& one) { return one->key() == key; };
  if (!is_on() || left_ || std::ranges::find(expected_, key) != expected_.end() ||
      std::ranges::any_of(lent_, fits) || find_idle(key) != idle_.end() ||
      idle_.size() >= settings_.sessions.idle)
    co_return;
  std::uint64_t held = 0;
  for (const auto& w : idle_)
    held += w.one->memory();
  if (held >= settings_.sessions.idle_memory)
    co_return;
  const auto is_made = expected_.insert(expected_.end(), key);
  const scope_exit forget{[this, is_made] { expected_.erase(is_made); }};
  auto made = co_await take(std::move(key));
  if (!made)
    co_return;
  const auto one = *made;
  executor::attempt_paths paths;
  paths.directory = one->directory();
  auto places = by.places;
  auto sandbox =
      co_await confine_blender(pool_, settings_, std::move(places), std::move(paths), one->key().blend);
  if (left_ || !sandbox || !launch(one, by, std::move(*sandbox), one->directory() / "blender.log"))
    co_return give_back(one, false);
  one->load();
  give_back(one, true);
}

void session_pool::leave() {
  left_ = true;
  idle_.clear();
  idle_over_.cancel();
  look_due_.cancel();
  for (const auto& one : all_)
    one->leave();
}

void session_pool::end_idle() {
  for (const auto& w : idle_)
    w.one->end();
  idle_.clear();
  idle_over_.cancel();
  look_due_.cancel();
}

void session_pool::hurry() {
  hurried_ = true;
  for (const auto& one : all_)
    one->kill();
}

aio::task<> session_pool::join() {
  end_idle();
  co_await work_.join();
}

} // namespace kiln::local

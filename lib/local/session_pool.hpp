// SPDX-License-Identifier: Apache-2.0
//
// The Blenders that stay: those that render, and those that wait for more of the same. The latter are ended,
// the one that was used the longest ago first, when there are too many, when they hold too much memory, or
// when nothing comes for them.
#pragma once

#include "aio/blocking_pool.hpp"
#include "aio/task_group.hpp"
#include "local/session.hpp"

#include <list>
#include <memory>

namespace kiln::local {

class session_pool {
public:
  using session_ptr = std::shared_ptr<session>;

  /// What it is given outlives it.
  session_pool(aio::executor_type loop, const local_settings& settings, aio::blocking_pool& pool);

  /// Whether there are sessions at all.
  [[nodiscard]] bool is_on() const noexcept { return settings_.sessions.idle > 0; }

  /// One that waits for an attempt of this kind, or a new one that is yet to be launched. The caller's, until
  /// it is given back.
  [[nodiscard]] aio::task<result<session_ptr>> take(session_key key);

  /// Starts the Blender of a new one.
  [[nodiscard]] result<void> launch(const session_ptr& one, const blender::install& by,
                                    process::confinement_ptr sandbox, const std::filesystem::path& log);

  /// `sound`: it did what it was asked to.
  void give_back(session_ptr one, bool sound);

  /// An attempt of this kind is likely to come soon: starts a session for it, unless there is one, and if
  /// there is room without ending another.
  [[nodiscard]] aio::task<> expect(session_key key, blender::install by);

  /// Lets all go on without this daemon: what waits will end by itself.
  void leave();
  /// Ends those that wait; what is given back later is ended as well. take() makes new ones nevertheless.
  void end_idle();
  /// Completes when no session is left.
  [[nodiscard]] aio::task<> join();

private:
  struct waiting {
    session_ptr one;
    aio::clock::time_point since;
  };

  [[nodiscard]] aio::task<> live(session_ptr one);
  [[nodiscard]] aio::task<> remove(session_ptr one);
  [[nodiscard]] session_ptr lend(session_ptr one);
  [[nodiscard]] aio::task<> watch_idle_time();
  [[nodiscard]] std::list<waiting>::iterator find_idle(const session_key& key);
  void end_replaced(const session_key& key);
  void keep(session_ptr one);
  void trim();

  aio::executor_type loop_;
  const local_settings& settings_;
  aio::blocking_pool& pool_;
  std::list<waiting> idle_;         ///< the session that was used the longest ago first
  std::list<session_ptr> all_;      ///< sessions whose Blender runs
  std::list<session_key> expected_; ///< keys of the sessions that expect() is making
  std::list<session_ptr> lent_;     ///< sessions whose files an attempt may still look at
  bool left_ = false;
  bool watching_ = false;
  aio::timer idle_over_;
  aio::task_group work_;
};

} // namespace kiln::local

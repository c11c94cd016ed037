// SPDX-License-Identifier: Apache-2.0
//
// The sessions: those that render, and idle ones waiting for similar attempts. Idle sessions are ended, the
// least recently used first, when there are too many, when they use too much memory, or when no attempt
// comes.
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

  /// The objects passed by reference must outlive it.
  session_pool(aio::executor_type loop, const local_settings& settings, aio::blocking_pool& pool);

  /// Whether sessions are enabled.
  [[nodiscard]] bool is_on() const noexcept { return settings_.sessions.idle > 0; }

  /// An idle session with this key, or a new one yet to be launched. It belongs to the caller until given
  /// back.
  [[nodiscard]] aio::task<result<session_ptr>> take(session_key key);

  /// Starts the Blender of a new session.
  [[nodiscard]] result<void> launch(const session_ptr& one, const blender::install& by,
                                    process::confinement_ptr sandbox, const std::filesystem::path& log);

  /// `sound`: it rendered without errors.
  void give_back(session_ptr one, bool sound);

  /// Announces that an attempt with this key is likely soon: starts a session for it, unless there is one, if
  /// there is room without ending another.
  [[nodiscard]] aio::task<> expect(session_key key, blender::install by);

  /// Leaves all sessions running without this daemon: idle ones will end by themselves.
  void leave();
  /// Ends idle sessions, and those given back later. take() still makes new ones.
  void end_idle();
  /// Kills all sessions, also those given back later.
  void hurry();
  /// Completes once no session is left.
  [[nodiscard]] aio::task<> join();

private:
  struct waiting {
    session_ptr one;
    aio::clock::time_point since;
    policy::session_look first = {}; ///< of the first look since it has nothing to do; `at` is 0 before
  };

  [[nodiscard]] aio::task<> live(session_ptr one);
  [[nodiscard]] aio::task<> remove(session_ptr one);
  [[nodiscard]] session_ptr lend(session_ptr one);
  [[nodiscard]] aio::task<> watch_idle_time();
  [[nodiscard]] aio::task<> watch_idle_use();
  [[nodiscard]] std::list<waiting>::iterator find_idle(const session_key& key);
  void end_replaced(const session_key& key);
  void keep(session_ptr one);
  void trim();

  aio::executor_type loop_;
  const local_settings& settings_;
  aio::blocking_pool& pool_;
  std::list<waiting> idle_;         ///< least recently used first
  std::list<session_ptr> all_;      ///< sessions whose Blender runs
  std::list<session_key> expected_; ///< keys of the sessions that expect() is making
  std::list<session_ptr> lent_;     ///< sessions whose files an attempt may still look at
  bool left_ = false;
  bool hurried_ = false;
  bool watching_ = false;
  bool looking_ = false;
  aio::timer idle_over_;
  aio::timer look_due_;
  aio::task_group work_;
};

} // namespace kiln::local

// SPDX-License-Identifier: Apache-2.0
//
// A Blender that stays: it renders attempts one after the other, in its own directory, which contains their
// workspaces. See docs/decisions/0013-sessions.md.
#pragma once

#include "aio/notification.hpp"
#include "blender/session_protocol.hpp"
#include "local/blender_process.hpp"
#include "local/session_channel.hpp"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace kiln::local {

/// The properties two attempts must share to be rendered by the same Blender.
struct session_key {
  std::string blender; ///< its name
  std::string program; ///< the identity of its files (installs.hpp): a different one is a different Blender
  std::filesystem::path blend; ///< its relative paths are resolved from there
  std::string digest;          ///< digest of its content
  int threads = 0;
  std::string device; ///< set in Blender's preferences, so it would apply to the next attempt too
  std::string owner;  ///< owner of the jobs; empty: any

  friend bool operator==(const session_key&, const session_key&) = default;
};

[[nodiscard]] session_key key_of(const domain::job_spec& spec, const blender::install& by, std::string digest,
                                 std::string owner);

/// The attempt that a session renders now; called on the loop.
class session_user {
public:
  virtual void on_frame_begun(int frame) = 0;
  virtual void on_frame_saved(int frame) = 0;
  /// All its frames are saved, and it is open: it waits for give().
  virtual void on_hungry() = 0;
  /// Why it failed, if Blender's log may not say so.
  virtual void on_trouble(const std::string& why) = 0;

protected:
  ~session_user() = default;
};

class session : public std::enable_shared_from_this<session> {
public:
  /// `directory` exists and contains the scripts. `settings` must outlive it.
  session(aio::executor_type loop, const local_settings& settings, session_key key,
          std::filesystem::path directory);

  /// Starts its Blender, which first prints to `log`.
  [[nodiscard]] result<void> launch(const blender::install& by, process::confinement_ptr sandbox,
                                    const std::filesystem::path& log);

  /// From the launch to the end of its Blender, or to leave(). Does not throw.
  [[nodiscard]] aio::task<> live();

  /// Begins to render an attempt; returns that attempt's view of the process. `log`: a descriptor for
  /// Blender's output, owned by the caller. One attempt at a time; `user` must outlive it.
  [[nodiscard]] std::unique_ptr<process::supervised> begin(const blender::session_order& order, int log,
                                                           session_user& user);
  /// Completes with true once the session has taken up the attempt, or with false if it ended before. A scene
  /// still loading can delay this without limit; the attempt's process can be stopped meanwhile.
  [[nodiscard]] aio::task<bool> takes_up();

  /// Gives more frames to the attempt after on_hungry; without frames, it ends.
  void give(const std::vector<int>& frames);

  /// Loads its .blend, because an attempt is likely soon.
  void load();

  /// Ends its Blender: SIGTERM, then SIGKILL after the grace.
  void end();
  /// The same without the grace.
  void kill();
  /// Stops watching its Blender.
  void leave();

  [[nodiscard]] const session_key& key() const noexcept { return key_; }
  [[nodiscard]] const std::filesystem::path& directory() const noexcept { return directory_; }
  [[nodiscard]] bool is_launched() const noexcept { return process_ != nullptr; }
  /// Whether its Blender can take an attempt.
  [[nodiscard]] bool is_alive() const noexcept { return process_ && !over_ && !ending_; }
  [[nodiscard]] const policy::session_wear& wear() const noexcept { return wear_; }
  /// Its process group.
  [[nodiscard]] pid_t pid() const noexcept { return process_->pid(); }
  /// Whether it loads or renders.
  [[nodiscard]] bool is_busy() const noexcept { return is_busy_; }
  /// Memory in bytes: after its last frame, or current if it has only loaded.
  [[nodiscard]] std::uint64_t memory() const;

private:
  class turn;
  struct turn_state;

  [[nodiscard]] aio::task<> read_events();
  void handle(const blender::session_event& event);

  aio::executor_type loop_;
  const local_settings& settings_;
  session_key key_;
  std::filesystem::path directory_;
  std::unique_ptr<process::child> process_;
  std::unique_ptr<session_channel> channel_;
  std::shared_ptr<turn_state> turn_; ///< state of the attempt being rendered
  policy::session_wear wear_;
  std::optional<process::process_end> over_;
  bool ending_ = false;
  bool is_busy_ = false;
  aio::notification changed_;
};

} // namespace kiln::local

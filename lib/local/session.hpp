// SPDX-License-Identifier: Apache-2.0
//
// A Blender that stays: it renders attempts one after the other, in a directory of its own in which their
// workspaces lie. See docs/decisions/0013-sessions.md.
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

/// What two attempts must have in common to be rendered by the same Blender.
struct session_key {
  std::string blender;         ///< its name
  std::string program;         ///< the identity of its files (installs.hpp): another one is another Blender
  std::filesystem::path blend; ///< what it refers to is found from there
  std::string digest;          ///< of its content
  int threads = 0;
  std::string device; ///< chosen in Blender's preferences: it would stay for the next attempt
  std::string owner;  ///< whose jobs; empty: everybody's

  friend bool operator==(const session_key&, const session_key&) = default;
};

[[nodiscard]] session_key key_of(const domain::job_spec& spec, const blender::install& by, std::string digest,
                                 std::string owner);

/// The attempt that a session renders now; told on the loop.
class session_user {
public:
  virtual void on_frame_begun(int frame) = 0;
  virtual void on_frame_saved(int frame) = 0;
  /// All frames that it was given are saved, and it is open: it waits for give().
  virtual void on_hungry() = 0;
  /// Why it did not go through, where Blender's log may not say it.
  virtual void on_trouble(const std::string& why) = 0;

protected:
  ~session_user() = default;
};

class session : public std::enable_shared_from_this<session> {
public:
  /// `directory` is there, with the scripts in it. `settings` outlive it.
  session(aio::executor_type loop, const local_settings& settings, session_key key,
          std::filesystem::path directory);

  /// Starts its Blender, which first prints to `log`.
  [[nodiscard]] result<void> launch(const blender::install& by, process::confinement_ptr sandbox,
                                    const std::filesystem::path& log);

  /// From the launch to the end of its Blender, or to leave(). Does not throw.
  [[nodiscard]] aio::task<> live();

  /// It renders an attempt from now on: what is returned is that attempt's process, for as long as it takes.
  /// `log`: a descriptor for what it prints, which stays the caller's. One at a time; `user` outlives it.
  [[nodiscard]] std::unique_ptr<process::supervised> begin(const blender::session_order& order, int log,
                                                           session_user& user);
  /// Completes once it has taken up the attempt that was begun: true; or has ended before: false. A scene
  /// that it still loads can delay that without limit: the attempt's process can be stopped meanwhile.
  [[nodiscard]] aio::task<bool> takes_up();

  /// More frames for the attempt that is hungry; none: it ends.
  void give(const std::vector<int>& frames);

  /// An attempt with its .blend is likely to come.
  void load();

  /// Ends its Blender: SIGTERM, after the grace SIGKILL.
  void end();
  /// The same without the grace.
  void kill();
  /// Ends the watching of it.
  void leave();

  [[nodiscard]] const session_key& key() const noexcept { return key_; }
  [[nodiscard]] const std::filesystem::path& directory() const noexcept { return directory_; }
  [[nodiscard]] bool is_launched() const noexcept { return process_ != nullptr; }
  /// Its Blender can be given an attempt.
  [[nodiscard]] bool is_alive() const noexcept { return process_ && !over_ && !ending_; }
  [[nodiscard]] const policy::session_wear& wear() const noexcept { return wear_; }
  /// Bytes that it holds: as its last frame left it, or as it is now if it has only loaded.
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
  std::shared_ptr<turn_state> turn_; ///< of the attempt that it renders
  policy::session_wear wear_;
  std::optional<process::process_end> over_;
  bool ending_ = false;
  aio::notification changed_;
};

/// Makes a directory for a session below OUTPUT/.kiln, with Blender's scripts and its temporary directory.
/// Blocks: for the pool.
[[nodiscard]] result<std::filesystem::path> make_session_directory(const std::filesystem::path& output);

[[nodiscard]] std::filesystem::path temp_of_session(const std::filesystem::path& directory);

} // namespace kiln::local

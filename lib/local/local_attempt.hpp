// SPDX-License-Identifier: Apache-2.0
//
// One attempt on this machine, rendered by its own Blender or by a session. Blender writes into a workspace
// that belongs to this attempt only; its log is read as it grows, and its frames are verified and published
// as they are closed. The attempt gathers facts and does not interpret them.
#pragma once

#include "aio/blocking_pool.hpp"
#include "aio/notification.hpp"
#include "aio/task_group.hpp"
#include "blender/log_reader.hpp"
#include "executor/blend_digest.hpp"
#include "executor/executor.hpp"
#include "executor/frame_intake.hpp"
#include "executor/workspace.hpp"
#include "image/image_check.hpp"
#include "local/session_pool.hpp"
#include "output/log_copy.hpp"
#include "policy/attempt_course.hpp"
#include "process/adopted.hpp"
#include "process/supervised.hpp"
#include "watch/directory_watch.hpp"
#include "watch/file_tail.hpp"

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace kiln::local {

class local_attempt final : session_user {
public:
  /// The objects passed by reference must outlive it. `steps` runs the operations that precede the process; a
  /// step can outlive the attempt.
  local_attempt(aio::executor_type loop, const local_settings& settings, aio::blocking_pool& pool,
                image::image_check& images, executor::blend_digests& digests, session_pool& sessions,
                aio::task_group& steps, executor::attempt_request request,
                executor::attempt_observer& observer);

  enum class beginning { launch, adopt };

  /// The whole life of the attempt, except reporting its end to the observer. Does not throw. Begins with a
  /// new process or with one started by an earlier run of the daemon. `on_started` is called once the process
  /// runs. Nullopt if the attempt was left running.
  [[nodiscard]] aio::task<std::optional<domain::attempt_facts>> run(beginning how,
                                                                    std::function<void()> on_started);

  /// Ends the attempt in every phase, also before its process runs. The first reason counts. A repeated call
  /// changes nothing, except that a second shutdown kills without grace.
  void stop(domain::stop_reason reason);

  /// See executor.
  void give(const std::vector<int>& frames);
  /// Memory of its session in bytes; 0 until known.
  [[nodiscard]] std::uint64_t memory() const noexcept;

  /// Stops watching; the process continues. A process that does not run yet will not be started.
  void leave();

  /// Removes its temporary files in the output and releases its session. Call it after run().
  [[nodiscard]] aio::task<> clean_up();

  [[nodiscard]] const attempt_id& id() const noexcept { return request_.id; }
  /// Nullopt until the process renders this attempt.
  [[nodiscard]] std::optional<pid_t> pid() const noexcept;

private:
  void on_frame_begun(int frame) override;
  void on_frame_saved(int frame) override;
  void on_hungry() override;
  void on_trouble(const std::string& why) override;

  template<class T>
  using undo = std::function<aio::task<>(T)>;
  template<class T>
  struct step_state;

  void carry_out(policy::attempt_course::action what);
  template<class T>
  [[nodiscard]] aio::task<std::optional<T>> unless_ending(aio::task<T> step, undo<T> undo_late = {});
  template<class T>
  [[nodiscard]] static aio::task<> take_step(aio::task<T> step, std::shared_ptr<step_state<T>> state,
                                             undo<T> undo_late);
  [[nodiscard]] aio::task<std::optional<std::optional<domain::failure>>> make_workspace();
  [[nodiscard]] aio::task<std::optional<result<process::confinement_ptr>>> make_sandbox();

  [[nodiscard]] aio::task<> launch();
  [[nodiscard]] aio::task<> launch_own();
  [[nodiscard]] aio::task<> launch_in_session(session_key key);
  [[nodiscard]] aio::task<bool> render_in(session_pool::session_ptr one);
  [[nodiscard]] aio::task<> adopt();
  [[nodiscard]] aio::task<result<std::unique_ptr<process::adopted>>>
  find_process(const std::optional<std::string>& identity);
  [[nodiscard]] aio::task<> follow(watch::directory_watch closed);
  [[nodiscard]] std::optional<domain::failure> start_process(process::confinement_ptr sandbox);
  void end_timers();
  [[nodiscard]] aio::task<> watch_time();
  [[nodiscard]] aio::task<> watch_signs_of_life();
  [[nodiscard]] aio::task<> watch_bounds();
  [[nodiscard]] aio::task<std::optional<domain::failure>> look_at_bounds();
  [[nodiscard]] aio::task<std::optional<domain::failure>> look_at_files();
  [[nodiscard]] aio::task<> read_log(watch::file_tail& tail);
  [[nodiscard]] aio::task<> read_frames(watch::directory_watch& closed);
  [[nodiscard]] aio::task<> rescan();
  [[nodiscard]] aio::task<> copy_whole_log();
  [[nodiscard]] aio::task<> explain_rejected();
  [[nodiscard]] aio::task<> consider(std::string name);

  aio::executor_type loop_;
  const local_settings& settings_;
  aio::blocking_pool& pool_;
  executor::blend_digests& digests_;
  session_pool& sessions_;
  aio::task_group& steps_;
  executor::attempt_request request_;
  executor::attempt_observer& observer_;
  executor::attempt_paths paths_;
  blender::install blender_; ///< the install when the attempt began

  std::function<void()> on_started_;
  std::unique_ptr<process::supervised> process_;
  process::control_group_ptr adopted_group_; ///< of a process that an earlier kilnd has started
  policy::attempt_course course_;
  session_pool::session_ptr in_;               ///< the session rendering this attempt
  bool sound_ = false;                         ///< its session rendered without errors
  std::string trouble_;                        ///< the session's own error message
  std::shared_ptr<aio::notification> changed_; ///< it is to end, or a step has ended
  std::shared_ptr<executor::blend_reading> reading_ = std::make_shared<executor::blend_reading>();
  aio::clock::time_point last_sign_; ///< last sign of life
  aio::timer time_over_;
  aio::timer sign_due_;
  aio::timer bounds_due_;
  aio::clock::time_point files_due_; ///< when the files of its directory may be counted again
  domain::attempt_facts facts_;
  executor::frame_intake frames_;
  std::shared_ptr<output::log_copy> log_; ///< Blender's output as shown to clients
};

} // namespace kiln::local

// SPDX-License-Identifier: Apache-2.0
//
// One attempt on this machine: a Blender, of its own or one that stays, that writes into a workspace which is
// the attempt's alone, its log read as it grows, its frames verified and published as they are closed. It
// gathers facts; what they mean is for others.
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
#include "process/supervised.hpp"
#include "watch/directory_watch.hpp"
#include "watch/file_tail.hpp"

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace kiln::local {

class local_attempt final : session_user {
public:
  /// What it is given outlives it. `steps`: for what the attempt waits for before its process runs; a step
  /// can outlive the attempt.
  local_attempt(aio::executor_type loop, const local_settings& settings, aio::blocking_pool& pool,
                image::image_check& images, executor::blend_digests& digests, session_pool& sessions,
                aio::task_group& steps, executor::attempt_request request,
                executor::attempt_observer& observer);

  enum class beginning { launch, adopt };

  /// The whole life of the attempt, but for its end's news to the observer. Does not throw. Begins with a new
  /// process or with one that an earlier life of the daemon has started. `on_started` is called once the
  /// process runs. Nothing when it was left.
  [[nodiscard]] aio::task<std::optional<domain::attempt_facts>> run(beginning how,
                                                                    std::function<void()> on_started);

  /// Ends it in every phase, also before its process runs. The first reason counts. A repeated call changes
  /// nothing, except for a second shutdown: it kills without the grace.
  void stop(domain::stop_reason reason);

  /// See executor.
  void give(const std::vector<int>& frames);
  /// Bytes that its session holds; 0 while that is not known.
  [[nodiscard]] std::uint64_t memory() const noexcept;

  /// Ends the watching; the process goes on. One that does not run yet will not be started.
  void leave();

  /// Removes what it leaves behind in the output, and lets go of its session; for after run().
  [[nodiscard]] aio::task<> clean_up();

  [[nodiscard]] const attempt_id& id() const noexcept { return request_.id; }
  /// Nothing before the process renders this attempt.
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
  [[nodiscard]] aio::task<> follow(watch::directory_watch closed);
  [[nodiscard]] std::optional<domain::failure> start_process(process::confinement_ptr sandbox);
  void end_timers();
  [[nodiscard]] aio::task<> watch_time();
  [[nodiscard]] aio::task<> watch_signs_of_life();
  [[nodiscard]] aio::task<> read_log(watch::file_tail& tail);
  [[nodiscard]] aio::task<> read_frames(watch::directory_watch& closed);
  [[nodiscard]] aio::task<> rescan();
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
  blender::install blender_; ///< as it is when the attempt begins

  std::function<void()> on_started_;
  std::unique_ptr<process::supervised> process_;
  policy::attempt_course course_;
  session_pool::session_ptr in_;               ///< that renders it
  bool sound_ = false;                         ///< its session did what it was asked to
  std::string trouble_;                        ///< what its session said
  std::shared_ptr<aio::notification> changed_; ///< it is to end, or a step is over
  std::shared_ptr<executor::blend_reading> reading_ = std::make_shared<executor::blend_reading>();
  aio::clock::time_point last_sign_; ///< of life
  aio::timer time_over_;
  aio::timer sign_due_;
  domain::attempt_facts facts_;
  executor::frame_intake frames_;
  std::shared_ptr<output::log_copy> log_; ///< what clients read of what Blender prints
};

} // namespace kiln::local

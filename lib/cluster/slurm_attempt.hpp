// SPDX-License-Identifier: Apache-2.0
//
// One attempt on a Slurm cluster: its frames are divided into tasks, which are submitted as arrays, one after
// the other as frame times become known. The output of its tasks is polled together with the queue. The
// attempt gathers facts and does not interpret them.
#pragma once

#include "aio/notification.hpp"
#include "aio/task_group.hpp"
#include "cluster/slurm_commands.hpp"
#include "cluster/slurm_task.hpp"
#include "executor/workspace.hpp"
#include "policy/attempt_course.hpp"
#include "slurm/chunks.hpp"
#include "slurm/ended_tasks.hpp"
#include "slurm/submission.hpp"

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <unordered_map>

namespace kiln::cluster {

/// The latest poll of Slurm's queue, shared by all attempts.
struct queue_look {
  explicit queue_look(aio::executor_type loop) : looked(loop) {}
  std::uint64_t number = 0; ///< polls that squeue has answered
  std::unordered_map<std::uint64_t, std::vector<slurm::queue_row>> by_array;
  std::unordered_map<std::string, std::uint64_t> array_of_name;
  std::string trouble;      ///< why the latest poll failed; empty if it succeeded
  slurm::ended_tasks ended; ///< tasks whose nodes should be free
  aio::notification looked; ///< also notified after a failed poll
};

class slurm_attempt {
public:
  /// The objects passed by reference must outlive it. `owner`: the id of this Kiln in Slurm's comments.
  slurm_attempt(aio::executor_type loop, const slurm_settings& settings, aio::blocking_pool& pool,
                image::image_check& images, slurm_commands& commands, queue_look& queue, std::string owner,
                executor::attempt_request request, executor::attempt_observer& observer);

  enum class beginning { launch, adopt };

  /// The whole life of the attempt, except reporting its end to the observer. Does not throw. Nullopt if it
  /// was left running.
  [[nodiscard]] aio::task<std::optional<domain::attempt_facts>> run(beginning how);

  void stop(domain::stop_reason reason);
  void leave();
  void set_priority(int priority);
  [[nodiscard]] aio::task<> clean_up();

  [[nodiscard]] const attempt_id& id() const noexcept { return request_.id; }
  /// Why it makes no progress; empty if nothing holds it up.
  [[nodiscard]] const std::string& trouble() const noexcept { return trouble_; }

private:
  static constexpr std::uint64_t forgotten = 0; ///< no Slurm array has this number

  struct array {
    int number = 0;
    std::filesystem::path directory;
    std::size_t tasks = 0;
    std::optional<std::uint64_t> id;
    std::optional<std::uint64_t> in_doubt; ///< the poll since which it is unknown whether Slurm has it
    std::map<int, std::unique_ptr<slurm_task>> live;
  };
  using arrays = std::map<int, array>;

  // slurm_attempt.cpp: what happens to its tasks
  [[nodiscard]] aio::task<> live();
  [[nodiscard]] aio::task<> step();
  void read_queue();
  [[nodiscard]] aio::task<> look_at_files();
  [[nodiscard]] aio::task<> judge();
  [[nodiscard]] aio::task<> end_task(array& of, int number, slurm::task_end how);
  [[nodiscard]] bool was_cancelled_as_a_whole() const;
  void watch_time();

  // slurm_news.cpp: reports to the observer meanwhile
  void mark_running();
  void tell();

  // slurm_plan.cpp: which tasks go to Slurm next
  [[nodiscard]] aio::task<> fill();
  [[nodiscard]] std::vector<domain::frame_set> next_tasks() const;
  [[nodiscard]] slurm::pace pace() const;
  [[nodiscard]] slurm::cutting rules() const;
  [[nodiscard]] std::size_t count_live() const;

  // slurm_submit.cpp: submissions to Slurm
  [[nodiscard]] aio::task<bool> begin();
  [[nodiscard]] aio::task<> adopt();
  [[nodiscard]] aio::task<> submit(std::vector<domain::frame_set> tasks);
  [[nodiscard]] aio::task<> send(array& of);
  void refuse(array& of, slurm::refusal why, const std::string& said);
  void take_back(array& of);
  void give_up(domain::failure why);
  [[nodiscard]] aio::task<> settle_doubts();
  void add_task(array& of, int number, domain::frame_set frames);

  // slurm_orders.cpp: commands for submitted tasks
  [[nodiscard]] bool cancels_all() const;
  [[nodiscard]] aio::task<> cancel_at_once();
  [[nodiscard]] aio::task<bool> cancel_arrays();
  [[nodiscard]] aio::task<> carry_out_stop();
  [[nodiscard]] aio::task<bool> cancel(std::vector<std::string> what, bool waiting_only);
  [[nodiscard]] aio::task<> let_go_on();

  const slurm_settings& settings_;
  aio::blocking_pool& pool_;
  image::image_check& images_;
  slurm_commands& commands_;
  queue_look& queue_;
  std::string owner_;
  executor::attempt_request request_;
  executor::attempt_observer& observer_;
  executor::attempt_paths paths_;
  slurm_task::listener told_;

  domain::attempt_facts facts_;
  domain::frame_set left_;  ///< frames in no task yet
  domain::frame_set alone_; ///< the same, but frames that have failed
  arrays arrays_;
  int last_array_ = 0;
  std::uint64_t look_ = 0; ///< the poll that was read last
  policy::attempt_course course_;
  bool woken_ = false; ///< do not wait for the next poll of the queue
  bool priority_changed_ = false;
  std::set<std::uint64_t> cancelled_;              ///< arrays
  bool is_cancelling_ = false, was_tried_ = false; ///< cancel_at_once(): in progress, and over
  aio::task_group orders_;
  std::string trouble_;

  double frame_sum_ = 0, start_up_sum_ = 0; ///< seconds
  int frame_count_ = 0, start_up_count_ = 0;
  std::size_t most_tasks_; ///< of an array, within the site's limit
  std::size_t parallel_;   ///< observed number of tasks running at once
  int time_raised_ = 0, memory_raised_ = 0, refused_ = 0;
  aio::clock::time_point try_again_, began_to_run_;
  std::size_t frames_twice_ = 0;
  std::map<std::pair<int, int>, int> released_;         ///< how often each held task was released
  std::map<std::pair<int, int>, std::size_t> at_pause_; ///< published frames per task
};

} // namespace kiln::cluster

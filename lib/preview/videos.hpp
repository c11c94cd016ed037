// SPDX-License-Identifier: Apache-2.0
//
// Videos of jobs' frames: made on request, one at a time, and kept beside the pictures of the job
// (video_files.hpp), the oldest of which go beyond a quota. A video that kilnd did not finish has failed.
#pragma once

#include "aio/notification.hpp"
#include "aio/task_group.hpp"
#include "preview/video_making.hpp"

#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace kiln::preview {

class videos {
public:
  static constexpr std::size_t most_waiting = 100;

  /// `decoder`: for videos alone. What is passed by reference outlives it.
  videos(aio::executor_type loop, video_place where, image::decoding_image_check& decoder, previews& pictures,
         aio::blocking_pool& pool);

  /// The video of these frames with these settings: the one that is there, or is being made, or a new one.
  /// conflict if frames are missing that are not held, or all; unsupported if there is no ffmpeg; no_room if
  /// the disk is almost full; unavailable if too many wait.
  [[nodiscard]] aio::task<result<video>> make(job_id of, std::vector<int> frames, video_settings wanted);

  [[nodiscard]] aio::task<std::vector<video>> list(job_id of);
  /// not_found if there is none.
  [[nodiscard]] aio::task<result<video>> find(job_id of, std::string id);
  /// conflict if it is not whole.
  [[nodiscard]] aio::task<result<output::result_file>> open(job_id of, std::string id);

  /// Cancels a video that is being made. Completes when nothing is left of it.
  [[nodiscard]] aio::task<result<void>> remove(job_id of, std::string id);
  /// Before a job is removed: cancels its videos.
  [[nodiscard]] aio::task<> drop(job_id of);

  /// Ends all; later requests are refused.
  [[nodiscard]] aio::task<> stop();

private:
  struct entry;
  using entry_ptr = std::shared_ptr<entry>;

  [[nodiscard]] entry_ptr live(const job_id& of, const std::string& id) const;
  void cancel(entry& one);
  [[nodiscard]] aio::task<> carry_out(entry_ptr one);
  [[nodiscard]] aio::task<> perform(entry& one);
  [[nodiscard]] aio::task<> tidy();

  aio::executor_type loop_;
  video_place where_;
  image::decoding_image_check& decoder_;
  previews& pictures_;
  aio::blocking_pool& pool_;
  std::deque<entry_ptr> live_; ///< the first is being made
  aio::notification changed_;  ///< of live_
  aio::task_group work_;
  bool is_tidy_ = false; ///< what an earlier kilnd has left is removed
  bool is_stopping_ = false;
};

} // namespace kiln::preview

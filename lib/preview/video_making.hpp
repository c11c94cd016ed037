// SPDX-License-Identifier: Apache-2.0
//
// The making of one video: kiln-image decodes one frame after the other and writes its rows into a pipe,
// which is the standard input of ffmpeg, in a sandbox; then ffprobe counts the frames.
#pragma once

#include "aio/blocking_pool.hpp"
#include "base/ids.hpp"
#include "image/decoding_image_check.hpp"
#include "output/results.hpp"
#include "preview/previews.hpp"
#include "preview/video.hpp"
#include "process/child.hpp"
#include "process/confinement.hpp"
#include "process/walls.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace kiln::preview {

/// What all videos share.
struct video_place {
  std::filesystem::path output, state; ///< absolute
  std::string search_path;             ///< PATH, in which ffmpeg is looked for
  process::mechanism sandbox = process::mechanism::off;
  process::walls walls = {}; ///< without the directory of the encoder
  std::uintmax_t quota = 0;  ///< bytes of all videos
  std::uintmax_t disk_reserve = 0;
};

struct video_programs {
  std::filesystem::path ffmpeg, ffprobe;
};

/// unsupported, with what to do, if one is missing. Blocks.
[[nodiscard]] result<video_programs> find_video_programs(const std::string& search_path);

class video_making {
public:
  /// `frames`: the frame of each picture of the video. `shown`: its progress. What is passed by reference
  /// outlives it.
  video_making(aio::executor_type loop, const video_place& where, image::decoding_image_check& decoder,
               previews& pictures, aio::blocking_pool& pool, job_id of, const std::vector<int>& frames,
               video& shown);

  /// Completes when the video is at its place, or why it is not. Leaves no process behind.
  [[nodiscard]] aio::task<std::optional<video_failure>> run();

  /// Kills the encoder; run() completes soon, with a failure of no meaning.
  void cancel();

private:
  struct program_end;
  using failure = std::optional<video_failure>;

  [[nodiscard]] aio::task<failure> prepare();
  [[nodiscard]] aio::task<failure> look_at_frames();
  [[nodiscard]] aio::task<failure> encode(std::string encoder);
  [[nodiscard]] aio::task<failure> feed(int rows_to);
  [[nodiscard]] aio::task<failure> count();
  [[nodiscard]] aio::task<result<output::result_file>> open(int frame);
  [[nodiscard]] result<std::unique_ptr<process::child>>
  launch(const std::filesystem::path& program, std::vector<std::string> arguments, int input = -1);
  [[nodiscard]] aio::task<result<program_end>> run_program(std::filesystem::path program,
                                                           std::vector<std::string> arguments);
  [[nodiscard]] aio::task<program_end> wait_for(process::child& program);
  [[nodiscard]] aio::task<video_failure> failure_of(program_end end, const char* name);
  [[nodiscard]] std::string file() const;

  aio::executor_type loop_;
  const video_place& where_;
  image::decoding_image_check& decoder_;
  previews& pictures_;
  aio::blocking_pool& pool_;
  job_id of_;
  const std::vector<int>& frames_;
  video& shown_;
  std::filesystem::path final_dir_;
  std::filesystem::path work_;
  video_programs programs_;
  process::confinement_ptr sandbox_;
  process::child* running_ = nullptr;
  bool is_canceled_ = false;
};

} // namespace kiln::preview

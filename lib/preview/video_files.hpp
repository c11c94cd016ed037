// SPDX-License-Identifier: Apache-2.0
//
// Videos on the disk, beside the pictures of a job: OUTPUT/.views/JOB/videos has ID.json, what was asked for
// and how it failed, and ID.mp4 or ID.webm once the video is whole. While it is made, ID.work is the
// directory of the encoder. Blocks: for the pool.
#pragma once

#include "output/results.hpp"
#include "preview/video.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace kiln::preview {

[[nodiscard]] std::filesystem::path videos_of(const std::filesystem::path& final_dir);
[[nodiscard]] std::filesystem::path work_of(const std::filesystem::path& final_dir, const video& of);

/// Keeps what is known of a video. not_found if the job was removed meanwhile; no_room if the disk is full.
[[nodiscard]] result<void> save_video(const std::filesystem::path& final_dir, const video& of);

/// The video as its files show it: succeeded if it is whole, else failed. nullopt if there is none.
[[nodiscard]] std::optional<video> read_video(const std::filesystem::path& final_dir, const std::string& id);
[[nodiscard]] std::vector<video> read_videos(const std::filesystem::path& final_dir);

[[nodiscard]] std::optional<output::result_file> open_video(const std::filesystem::path& final_dir,
                                                            const video& of);

/// Makes the empty directory of an encoder.
[[nodiscard]] result<std::filesystem::path> begin_work(const std::filesystem::path& final_dir,
                                                       const video& of);
void end_work(const std::filesystem::path& final_dir, const video& of);

/// Moves the file that an encoder has written to its place, synced, with its record before it.
[[nodiscard]] result<void> publish_video(const std::filesystem::path& final_dir, video& of,
                                         const std::filesystem::path& file);

void remove_video(const std::filesystem::path& final_dir, const std::string& id);

/// Removes the oldest videos of all jobs until the rest takes at most `quota` bytes; never the newest.
/// Removes directories of encoders, too: none may run.
void keep_quota(const std::filesystem::path& output, std::uintmax_t quota);

} // namespace kiln::preview

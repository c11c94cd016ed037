// SPDX-License-Identifier: Apache-2.0
//
// Pictures of published frames, for people: OUTPUT/.views/JOB, so that the directory of a job has its frames
// alone. The small ones, made when frames are verified, stay as long as the job. Those made on demand are in
// "made" below, and go when a quota is used up. None is worth a sync: it can be made again. Blocks: for the
// pool.
#pragma once

#include "output/results.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kiln::output {

/// The directory of the pictures of a job. `final_dir`: that of its frames, OUTPUT/JOB.
[[nodiscard]] std::filesystem::path views_of(const std::filesystem::path& final_dir);

/// The name of the small picture of a frame. `mark`: result_file::mark of its image; a newer image has
/// another.
[[nodiscard]] std::string preview_name(int frame, std::string_view mark);

/// Writes a picture; `name` is relative to views_of(). Nothing is kept of a job whose frames are gone.
[[nodiscard]] result<void> save_view(const std::filesystem::path& final_dir, const std::string& name,
                                     std::string_view bytes);

[[nodiscard]] std::optional<result_file> open_view(const std::filesystem::path& final_dir,
                                                   const std::string& name);

/// The images of the frames, in order; nullopt for one that is not there.
[[nodiscard]] std::vector<std::optional<file_facts>> look_at_frames(const std::filesystem::path& final_dir,
                                                                    const std::vector<int>& frames);

struct made_view {
  std::filesystem::path path;
  std::uintmax_t bytes = 0;
};

/// All pictures that were made on demand, of all jobs, the oldest first.
[[nodiscard]] std::vector<made_view> list_made_views(const std::filesystem::path& output);

} // namespace kiln::output

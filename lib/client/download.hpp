// SPDX-License-Identifier: Apache-2.0
//
// Frames of a job in a directory of this machine, each whole or not at all, with the SHA-256 that kilnd says.
// A file that is there already is not fetched again; one that was interrupted goes on where it stopped.
#pragma once

#include "aio/task.hpp"
#include "aio/unique_descriptor.hpp"
#include "client/caller.hpp"
#include "client/job_view.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <set>
#include <string>
#include <vector>

namespace kiln::client {

class download {
public:
  /// Creates the directory, and locks it against a second kiln. usage if it cannot be used. `arrived`: of
  /// each file of a job that is there, with its path.
  [[nodiscard]] static result<download> into(const std::filesystem::path& directory,
                                             std::function<void(const std::filesystem::path&)> arrived);

  /// Where the undertaking of this directory is.
  [[nodiscard]] std::filesystem::path record() const { return directory_ / ".kiln.json"; }

  /// Fetches what is done of a job and is not here. incomplete if a file cannot be written, or another one is
  /// in its place.
  [[nodiscard]] aio::task<result<void>> fetch_done(caller& kilnd, std::string job);

  [[nodiscard]] std::size_t here() const noexcept { return here_.size(); } ///< files

private:
  download(std::filesystem::path directory, aio::unique_descriptor lock,
           std::function<void(const std::filesystem::path&)> arrived)
      : directory_(std::move(directory)), lock_(std::move(lock)), arrived_(std::move(arrived)) {}
  [[nodiscard]] aio::task<result<void>> fetch(caller& kilnd, result_file file);
  [[nodiscard]] aio::task<result<bool>> fetch_once(caller& kilnd, result_file file);

  std::filesystem::path directory_;
  aio::unique_descriptor lock_;
  std::function<void(const std::filesystem::path&)> arrived_;
  bool had_files_ = false;          ///< at the beginning
  std::set<std::string> here_ = {}; ///< paths of requests
};

/// The name for a file of a frame: that of its listing, else of Content-Disposition. refused if it could lead
/// out of the directory.
[[nodiscard]] result<std::string> file_name_of(const result_file& file, const answer& head);

} // namespace kiln::client

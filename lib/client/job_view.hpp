// SPDX-License-Identifier: Apache-2.0
//
// What kiln shows of a job, read from the JSON of /v1/jobs: pure. Members that are absent or of another type
// keep their defaults, so that kilnd of another version is readable.
#pragma once

#include <boost/json/value.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace kiln::client {

struct job_view {
  std::string id, state, name, owner, created_at;
  std::string frames; ///< "1-250"
  std::int64_t total = 0, done = 0, failed = 0;
  int priority = 0;
  std::string waits_for;                       ///< why nothing is started; empty: no reason
  std::optional<double> seconds_left;          ///< likely
  std::optional<double> least_left, most_left; ///< the range around it
  std::optional<std::int64_t> now_frame;       ///< that is rendered
  std::optional<std::int64_t> sample, samples;
  std::string failure;               ///< kind and message; empty: none
  std::vector<std::string> warnings; ///< their messages

  [[nodiscard]] bool is_final() const {
    return state == "succeeded" || state == "failed" || state == "canceled";
  }
};

[[nodiscard]] job_view read_job(const boost::json::value& from);

/// A file of a job that can be fetched: a frame's image, or a further file.
struct result_file {
  int frame = 0;
  std::string name; ///< as kilnd says, for further files; empty for the image of a frame
  std::string path; ///< of the request
  friend bool operator==(const result_file&, const result_file&) = default;
};

/// The files of those frames of a listing (/v1/jobs/ID/frames) that are done; each frame is followed by its
/// further files.
[[nodiscard]] std::vector<result_file> done_files(const boost::json::value& listing, const std::string& job);

/// The cursor in the Link field (rel="next") of a listing; nullopt on its last page.
[[nodiscard]] std::optional<std::string> next_cursor(std::string_view link);

} // namespace kiln::client

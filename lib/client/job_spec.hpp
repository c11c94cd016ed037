// SPDX-License-Identifier: Apache-2.0
//
// The body of POST /v1/jobs from words of the command line, checked before anything is sent: pure.
#pragma once

#include "base/error.hpp"

#include <boost/json/object.hpp>

#include <optional>
#include <string>
#include <vector>

namespace kiln::client {

struct job_words {
  std::string frames;                  ///< "1-250,300"; empty: those of the file
  std::vector<std::string> settings{}; ///< "samples=64", "resolution=1920x1080"
  std::string name{};
  std::vector<std::string> tags{};
  std::optional<int> priority{};
};

/// The body without `blend`. usage, with each wrong field, if a kilnd of this version would refuse it.
[[nodiscard]] result<boost::json::object> make_job(const job_words& from);

} // namespace kiln::client

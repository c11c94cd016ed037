// SPDX-License-Identifier: Apache-2.0
//
// The body of POST /v1/jobs from words of the command line, checked before anything is sent: pure.
#pragma once

#include "base/error.hpp"

#include <boost/json/object.hpp>

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace kiln::client {

struct job_words {
  std::string frames;                  ///< "1-250,300"
  std::vector<std::string> settings{}; ///< "samples=64", "resolution=1920x1080"
  std::string name{};
  std::vector<std::string> tags{};
  std::optional<int> priority{};
};

/// The body without `blend`. usage, with each wrong field, if a kilnd of this version would refuse it.
[[nodiscard]] result<boost::json::object> make_job(const job_words& from);

/// The frames that a .blend says itself, from its first bytes: "1-250". usage, with what to write, if it does
/// not say; corrupt if it is not a .blend.
[[nodiscard]] result<std::string> frames_of_file(std::span<const std::byte> begin);

} // namespace kiln::client

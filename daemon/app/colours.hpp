// SPDX-License-Identifier: Apache-2.0
//
// Asks Blenders which colours they show for linear ones (kiln_colours.py). The last answers are kept,
// refusals too: pictures of all frames of a job need the same one. See docs/decisions/0025-previews.md.
#pragma once

#include "aio/notification.hpp"
#include "app/bounded_runs.hpp"
#include "local/installs.hpp"
#include "preview/shown_colours.hpp"

#include <filesystem>
#include <list>
#include <string>
#include <vector>

namespace kiln::app {

class colours {
public:
  /// `environment`: of the Blenders. What is passed by reference outlives it.
  colours(aio::executor_type loop, bounded_runs& runs, const local::installs& installs,
          std::filesystem::path state, std::vector<std::string> environment);

  /// Those of a Blender with the settings in a job's report (JSON). unsupported if there are none.
  [[nodiscard]] result<preview::shown_colours> find(const std::string& blender, const std::string& report);

private:
  using open_file = preview::shown_colours::open_file;
  struct known {
    std::string key;
    result<open_file> answer;
  };

  [[nodiscard]] aio::task<result<open_file>> find_or_ask(std::string key, blender::install of,
                                                         std::string settings);
  [[nodiscard]] aio::task<result<open_file>> ask(blender::install of, std::string settings);

  bounded_runs& runs_;
  const local::installs& installs_;
  std::filesystem::path state_;
  std::vector<std::string> environment_;
  std::list<known> known_; ///< the last used first
  bool is_asking_ = false;
  aio::notification asked_;
};

} // namespace kiln::app

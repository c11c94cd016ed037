// SPDX-License-Identifier: Apache-2.0
//
// The command line of kiln.
#pragma once

#include "client/job_spec.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace kiln::command {

struct options {
  // Which kilnd
  std::string url{};
  std::filesystem::path token_file{};
  bool token_over_http = false;
  int patience = 300; ///< seconds
  bool local = false;
  std::filesystem::path root{};  ///< of --local; empty: the directory of the .blend, or the present one
  std::filesystem::path kilnd{}; ///< the program of --local; empty: beside kiln, or in PATH

  std::string verb{}; ///< "render", "ls", …
  bool json = false;
  std::string progress = "auto"; ///< auto, bar, plain, json or none
  std::vector<std::string> ids{};
  std::filesystem::path file{};      ///< of render
  std::filesystem::path directory{}; ///< of render --download and get; empty: none
  client::job_words job{};
  bool wait = false, no_wait = false, upload = false, again = false, follow = false;
  std::optional<int> timeout{}; ///< seconds
  std::string state{}, tag{}, owner{};
  std::size_t limit = 100;
};

/// Nothing is left to do: text for stdout (status 0) or stderr.
struct early_exit {
  int status = 0;
  std::string text{};
};

/// Reads flags, then the variable KILN_URL.
[[nodiscard]] std::variant<options, early_exit> read_options(std::vector<std::string> arguments,
                                                             const std::vector<std::string>& environment);

} // namespace kiln::command

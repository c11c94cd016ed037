// SPDX-License-Identifier: Apache-2.0
//
// Every flag of kilnd, with its help, its range and its group.
#pragma once

#include "app/config.hpp"

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace kiln::app {

/// What is a word in the configuration, and a value of another type in config.
struct words {
  std::string listen = "127.0.0.1:3000";
  std::string log_format = "text";
  std::string on_stop; ///< empty: by executor
  std::string executor = "local";
  std::string verify = "decode";
  std::string autorun = "never";
  std::vector<std::string> blenders;
};

/// They write to `c` and `w`, which outlive `app`. `default_file`: the value of --config when it is not
/// given.
void add_options(CLI::App& app, config& c, words& w, const std::string& default_file);

/// Two groups of them: where and how HTTP is served, and its limits.
void add_network_options(CLI::App& app, config& c, words& w);
void add_limit_options(CLI::App& app, config& c);

} // namespace kiln::app

// SPDX-License-Identifier: Apache-2.0
//
// The environment and the file, in the form of flags.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class Config;
} // namespace CLI

namespace kiln::app {

/// Keys are written with underscores in files, with dashes as flags.
[[nodiscard]] std::string flag_name(std::string name);

/// A key of the file.
struct file_value {
  enum class kind { text, number, boolean, list, other };
  std::string flag; ///< its name as a flag, such as "max-queued"
  std::size_t line = 0;
  kind type = kind::other;
  bool is_table = false;
  bool has_numbers = false;        ///< it is a number, or a list with one
  std::string written;             ///< the value as TOML, for messages
  std::vector<std::string> inputs; ///< what CLI11 gets
};

/// Reads a TOML file for CLI11, which sees it as flags. Its values are added to `read` as well.
[[nodiscard]] std::shared_ptr<CLI::Config> make_file_reader(std::shared_ptr<std::vector<file_value>> read);

/// Why a file that is there cannot be read; nothing when it can be, or is not there. Blocks.
[[nodiscard]] std::optional<std::string> why_unreadable(const std::filesystem::path& file);

/// What the variables that begin with KILN_ mean.
struct environment_flags {
  std::vector<std::string> flags; ///< KILN_MAX_QUEUED=7 as "--max-queued=7", unless the flag is given as well
  std::vector<std::string> passed_over; ///< names that a container platform has set, which are not keys
  std::vector<std::string> unknown;     ///< names of the others that are not keys
};

/// `known`: the names of all flags, such as "max-queued".
[[nodiscard]] environment_flags flags_of_environment(const std::vector<std::string>& environment,
                                                     const std::vector<std::string>& arguments,
                                                     const std::vector<std::string>& known);

/// "max-queued" → "KILN_MAX_QUEUED".
[[nodiscard]] std::string variable_name(std::string_view flag);

} // namespace kiln::app

// SPDX-License-Identifier: Apache-2.0
#include "process/search_path.hpp"

#include <algorithm>
#include <system_error>

#include <unistd.h>

namespace kiln::process {

namespace fs = std::filesystem;

bool is_executable(const fs::path& file) {
  std::error_code ec;
  return fs::is_regular_file(file, ec) && ::access(file.c_str(), X_OK) == 0;
}

std::optional<fs::path> find_program(const fs::path& name, std::string_view search_path) {
  while (!search_path.empty()) {
    const auto directory = search_path.substr(0, search_path.find(':'));
    if (auto file = fs::path{directory} / name; file.is_absolute() && is_executable(file))
      return file;
    search_path.remove_prefix(std::min(directory.size() + 1, search_path.size()));
  }
  return std::nullopt;
}

} // namespace kiln::process

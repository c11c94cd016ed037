// SPDX-License-Identifier: Apache-2.0
#include "local/session_directory.hpp"

#include "blender/setup_script.hpp"
#include "executor/workspace.hpp"

#include <cerrno>
#include <fstream>

#include <stdlib.h>

namespace kiln::local {

namespace fs = std::filesystem;

fs::path script_of_session(const fs::path& directory) {
  return directory / "kiln_session.py";
}

fs::path temp_of_session(const fs::path& directory) {
  return directory / "tmp";
}

result<fs::path> make_session_directory(const fs::path& output, const process::credentials* user) {
  std::error_code ec;
  fs::create_directories(output / ".kiln", ec);
  if (ec)
    return system_error(ec.value(), "create " + (output / ".kiln").native());
  auto name = (output / ".kiln" / executor::session_directory_prefix).native() + "XXXXXX";
  if (!::mkdtemp(name.data()))
    return system_error(errno, "create " + name);
  const fs::path directory{name};
  fs::create_directory(temp_of_session(directory), ec);
  if (ec)
    return system_error(ec.value(), "create " + temp_of_session(directory).native());
  const auto script = script_of_session(directory);
  std::ofstream file{script, std::ios::binary};
  file << blender::session_script;
  file.close();
  if (!file)
    return system_error(errno, "write " + script.native());
  if (const auto written = executor::write_scripts(directory); !written)
    return written.error();
  if (const auto given = process::give_directory(directory, user); !given)
    return given.error();
  return directory;
}

} // namespace kiln::local

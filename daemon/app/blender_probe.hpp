// SPDX-License-Identifier: Apache-2.0
//
// Runs a Blender without a .blend to find out which one it is, where its files are, and whether it works.
// See docs/decisions/0012-sandbox.md.
#pragma once

#include "aio/task.hpp"
#include "app/bounded_runs.hpp"
#include "base/error.hpp"
#include "blender/install.hpp"
#include "process/confinement.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace kiln::app {

/// Where and how a Blender is probed.
struct probe_place {
  std::filesystem::path directory;      ///< made if it is missing, and removed at the end
  std::vector<std::string> environment; ///< "KEY=VALUE", as for a job
  process::confinement_ptr sandbox = {};
  std::string sandbox_text = {}; ///< describes the sandbox: two that differ have different texts
};

/// The version that `executable --version` prints, e.g. "Blender 4.2.1 LTS": within 30 s, with exit status 0,
/// after up to 1 MiB of other lines. The error quotes other output.
[[nodiscard]] aio::task<result<std::string>> ask_version(bounded_runs& runs, std::filesystem::path executable,
                                                         probe_place where);

/// Fills in version, program, binary, places and remarks of an install whose name and executable are given.
/// A Blender that prints its version and does not run Python is a remark, not an error.
[[nodiscard]] aio::task<result<blender::install>> probe_install(bounded_runs& runs, blender::install named,
                                                                probe_place where);

/// Whether a Blender that was probed starts in the sandbox of `where`, with its Python if that starts
/// outside; the error quotes the last line that it printed.
[[nodiscard]] aio::task<result<void>> try_inside(bounded_runs& runs, const blender::install& install,
                                                 probe_place where);

} // namespace kiln::app

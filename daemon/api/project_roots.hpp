// SPDX-License-Identifier: Apache-2.0
//
// The directories that a job's .blend must lie below.
#pragma once

#include "aio/blocking_pool.hpp"
#include "base/error.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace kiln::api {

class project_roots {
public:
  /// `roots`: absolute. The pool outlives it.
  project_roots(std::vector<std::filesystem::path> roots, aio::blocking_pool& pool);

  /// The file that a client means, absolute and without links: `name` is relative to a root (the first that
  /// has it), or the absolute path of a file below one. invalid_input, saying why, when there is none.
  [[nodiscard]] aio::task<result<std::filesystem::path>> find(std::string name);

private:
  std::vector<std::filesystem::path> roots_;
  aio::blocking_pool& pool_;
};

} // namespace kiln::api

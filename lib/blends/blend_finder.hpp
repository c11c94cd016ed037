// SPDX-License-Identifier: Apache-2.0
//
// Resolves the `blend` of a job to a file below a project root or an upload.
#pragma once

#include "access/role.hpp"
#include "aio/blocking_pool.hpp"
#include "blends/project_roots.hpp"
#include "blends/uploads.hpp"

#include <filesystem>
#include <string>

namespace kiln::blends {

class blend_finder {
public:
  /// The objects passed by reference must outlive it.
  blend_finder(project_roots roots, uploads& sent, aio::blocking_pool& pool)
      : roots_(std::move(roots)), uploads_(sent), pool_(pool) {}

  /// `name`: a path (see project_roots::find) or the id of an upload. Hold the lease until the job is in the
  /// store. invalid_input, with the reason, if there is no such file, or if `by` may not use it.
  [[nodiscard]] aio::task<result<uploads::lease>> find(std::string name, access::principal_ptr by);

  /// Whether `by` may render a file that is below a project root, or the file of POST /job.
  [[nodiscard]] aio::task<bool> may_use(std::filesystem::path file, access::principal_ptr by);

  /// See project_roots::list; of the projects that `by` may use.
  [[nodiscard]] aio::task<result<project_listing>> list(std::string directory, std::string after,
                                                        std::size_t most, access::principal_ptr by);

private:
  project_roots roots_;
  uploads& uploads_;
  aio::blocking_pool& pool_;
};

} // namespace kiln::blends

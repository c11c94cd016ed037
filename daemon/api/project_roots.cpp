// SPDX-License-Identifier: Apache-2.0
#include "api/project_roots.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace kiln::api {
namespace {

namespace fs = std::filesystem;

bool is_below(const fs::path& path, const fs::path& root) {
  return std::ranges::mismatch(root, path).in1 == root.end();
}

/// The file below the root, once all links are followed.
std::optional<fs::path> file_below(const fs::path& root, const fs::path& name) {
  std::error_code ec;
  const auto real_root = fs::canonical(root, ec);
  if (ec)
    return std::nullopt;
  auto file = fs::canonical(root / name, ec); // an absolute name replaces the root
  if (ec || !is_below(file, real_root) || !fs::is_regular_file(file, ec))
    return std::nullopt;
  return file;
}

} // namespace

project_roots::project_roots(std::vector<fs::path> roots, aio::blocking_pool& pool)
    : roots_(std::move(roots)), pool_(pool) {}

aio::task<result<fs::path>> project_roots::find(std::string name) {
  if (name.empty() || name.find('\0') != std::string::npos)
    co_return error{errc::invalid_input, "must be the path of a .blend"};
  const auto look = [name, roots = roots_]() -> std::optional<fs::path> {
    for (const auto& root : roots)
      if (auto file = file_below(root, name))
        return file;
    return std::nullopt;
  };
  auto found = co_await pool_.run(look);
  if (!found)
    co_return error{errc::invalid_input,
                    "there is no such file below a project root of kilnd (--project-root)"};
  co_return std::move(*found);
}

} // namespace kiln::api

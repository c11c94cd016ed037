// SPDX-License-Identifier: Apache-2.0
#include "blends/project_roots.hpp"

#include "base/paths.hpp"
#include "base/utf8.hpp"
#include "blends/beneath.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>

#include <limits.h>

namespace kiln::blends {
namespace {

namespace fs = std::filesystem;

/// The directory itself; nullopt if it is missing.
std::optional<fs::path> real_path(const fs::path& of) {
  std::error_code ec;
  auto real = fs::canonical(of, ec);
  return ec ? std::nullopt : std::optional{std::move(real)};
}

/// The directories themselves, without those that are missing.
std::vector<fs::path> real_paths(std::span<const std::string> of) {
  std::vector<fs::path> found;
  for (const auto& directory : of)
    if (auto real = real_path(directory))
      found.push_back(std::move(*real));
  return found;
}

/// `file` and `directories`: without links.
bool is_in_any(const fs::path& file, const std::vector<fs::path>& directories) {
  return std::ranges::any_of(directories,
                             [&](const fs::path& directory) { return is_at_or_below(file, directory); });
}

} // namespace

bool is_within(const fs::path& file, std::span<const std::string> directories) {
  const auto real = real_path(file);
  return real && is_in_any(*real, real_paths(directories));
}

result<fs::path> project_roots::find(const std::string& name, std::span<const std::string> within) const {
  if (name.empty())
    return error{errc::invalid_input, "must be the path of a .blend"};
  if (!is_line_of_text(name))
    return error{errc::invalid_input, "must not hold control characters"};
  if (name.size() >= PATH_MAX)
    return error{errc::invalid_input, "is longer than a path can be"};
  const auto allowed = real_paths(within);
  for (const auto& root : roots_) {
    const auto top = real_path(root);
    const auto file = real_path(root / name); // an absolute name replaces the root
    if (!top || !file || !is_at_or_below(*file, *top))
      continue;
    if (!within.empty() && !is_in_any(*file, allowed))
      continue;
    // A lease of another program is no reason to reject the file.
    if (const auto opened = open_beneath(*top, *file); !opened && !is_passing(opened.error().code))
      return error{errc::invalid_input, "cannot be taken: " + opened.error().message};
    return *file;
  }
  // The same message for missing and for hidden files, so that it cannot be used to explore the disk.
  if (!within.empty())
    return error{errc::invalid_input,
                 fmt::format("there is no such file below a project that this token may use ({}), out of "
                             "which neither .. nor a link may lead",
                             fmt::join(within, ", "))};
  return error{errc::invalid_input,
               "there is no such file below a project root of kilnd (--project-root), out of "
               "which neither .. nor a link may lead"};
}

result<aio::unique_descriptor> project_roots::open(const fs::path& found) const {
  for (const auto& root : roots_)
    if (const auto top = real_path(root); top && is_at_or_below(found, *top))
      return open_beneath(*top, found);
  return error{errc::invalid_input,
               found.native() + " is not below a project root of kilnd (--project-root) any more"};
}

} // namespace kiln::blends

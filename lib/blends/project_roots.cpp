// SPDX-License-Identifier: Apache-2.0
#include "blends/project_roots.hpp"

#include "base/paths.hpp"
#include "base/utf8.hpp"
#include "blends/beneath.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include <limits.h>
#include <sys/stat.h>

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

bool is_blend(const std::string& name) {
  constexpr std::string_view ending = ".blend";
  return name.size() > ending.size() &&
         std::ranges::equal(name.substr(name.size() - ending.size()), ending, {}, [](char c) {
           return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
         });
}

/// The entry for a file in a directory below `top`; nullopt if a job cannot name it. `real`: the directory,
/// without links.
std::optional<project_entry> entry_of(const fs::directory_entry& found, const fs::path& real,
                                      const fs::path& top) {
  const auto name = found.path().filename().native();
  if (name.starts_with('.') || !is_line_of_text(name))
    return std::nullopt;
  const auto file = real_path(real / name);
  struct stat facts {};
  if (!file || !is_at_or_below(*file, top) || ::stat(file->c_str(), &facts) != 0)
    return std::nullopt;
  if (S_ISDIR(facts.st_mode))
    return project_entry{.path = name, .is_directory = true};
  if (!S_ISREG(facts.st_mode) || !is_blend(name))
    return std::nullopt;
  return project_entry{.path = name,
                       .bytes = static_cast<std::uint64_t>(facts.st_size),
                       .changed_ms = facts.st_mtim.tv_sec * 1000 + facts.st_mtim.tv_nsec / 1'000'000};
}

/// Whether those who may use `allowed` alone see it: it lies there, or is a directory on the way.
bool is_shown(const project_entry& entry, const fs::path& file, const std::vector<fs::path>& allowed) {
  return is_in_any(file, allowed) ||
         (entry.is_directory &&
          std::ranges::any_of(allowed, [&](const auto& one) { return is_at_or_below(one, file); }));
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

result<project_listing> project_roots::list(const std::string& directory, const std::string& after,
                                            std::size_t most, std::span<const std::string> within) const {
  const error missing{errc::not_found,
                      "there is no such directory below a project root of kilnd (--project-root)"};
  if (!is_line_of_text(directory) || directory.size() >= PATH_MAX || fs::path{directory}.is_absolute())
    return missing;
  const auto allowed = real_paths(within);
  std::map<std::string, project_entry> all; // of several roots, the first counts
  bool is_there = false;
  for (const auto& root : roots_) {
    const auto top = real_path(root);
    const auto real = real_path(root / directory);
    std::error_code ec;
    if (!top || !real || !is_at_or_below(*real, *top) || !fs::is_directory(*real, ec))
      continue;
    if (!within.empty() && !is_shown({.path = {}, .is_directory = true}, *real, allowed))
      continue;
    is_there = true;
    for (fs::directory_iterator each{*real, fs::directory_options::skip_permission_denied, ec}, end;
         !ec && each != end; each.increment(ec)) {
      auto name = each->path().filename().native();
      if (name <= after || all.contains(name))
        continue;
      auto entry = entry_of(*each, *real, *top);
      if (!entry || (!within.empty() && !is_shown(*entry, real_path(*real / name).value_or("/"), allowed)))
        continue;
      entry->path = directory.empty() ? name : (fs::path{directory} / name).native();
      all.emplace(std::move(name), std::move(*entry));
      if (all.size() > most + 1)
        all.erase(std::prev(all.end()));
    }
  }
  if (!is_there)
    return missing;
  project_listing listing{.entries = {}, .has_more = all.size() > most};
  for (auto& [name, entry] : all)
    if (listing.entries.size() < most)
      listing.entries.push_back(std::move(entry));
  return listing;
}

} // namespace kiln::blends

// SPDX-License-Identifier: Apache-2.0
#include "blender/install_choice.hpp"

#include "blender/version.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

namespace kiln::blender {
namespace {

using domain::failure;
using domain::failure_kind;

constexpr std::string_view maker = "Blender ";

// Versions that changed which files can be read.
constexpr int reads_zstd = 300;
constexpr int reads_meshes_of_4 = 306; ///< older ones crash on files of 4.x
constexpr int refuses_newer = 306;     ///< from here on Blender enforces the file's minimum version
constexpr int reads_long_header = 405;

/// The same for an install; whole if its version is unknown.
opening opens(const install& one, const blend_facts& file) {
  const auto version = parse_file_version(one.version);
  return version ? opens(*version, file) : opening::whole;
}

/// The oldest Blender that opens the file at all.
int oldest_reader(const blend_facts& file) {
  int oldest = file.minimum.value_or(0);
  if (file.header.is_long)
    oldest = std::max(oldest, reads_long_header);
  if (file.header.packed == blend_header::packing::zstd)
    oldest = std::max(oldest, reads_zstd);
  return oldest;
}

std::string label_of(std::string_view blend) {
  constexpr std::string_view upload = "sha256:";
  return blend.empty() || blend.starts_with(upload) ? "the .blend"
                                                    : std::filesystem::path{blend}.filename().string();
}

std::string written_by(const blend_facts& file, std::string_view blend) {
  return file.header.version ? fmt::format("{} was written by Blender {}", label_of(blend),
                                           format_version(*file.header.version))
                             : label_of(blend) + " does not say which Blender wrote it";
}

std::string lossy_warning(const install& one, const blend_facts& file, std::string_view blend) {
  return fmt::format("{}, which is newer than {}: what that Blender has no notion of is lost, and frames may "
                     "look different",
                     written_by(file, blend), bare_version(one));
}

failure unreadable(const std::vector<const install*>& tried, const blend_facts& file,
                   std::string_view blend) {
  std::string versions;
  for (const auto* one : tried)
    versions += (versions.empty() ? "" : ", ") + std::string{bare_version(*one)};
  return {.kind = failure_kind::blend_unreadable,
          .message = fmt::format("{}, and Blender {} cannot open it: it needs Blender {} or newer (kilnd's "
                                 "--blender NAME=PATH adds one)",
                                 written_by(file, blend), versions, format_version(oldest_reader(file)))};
}

failure missing(const install& one) {
  return {.kind = failure_kind::blender_missing,
          .message = fmt::format("Blender {} cannot be used: {}", one.name, one.wrong)};
}

/// Takes the named Blender, or the only one.
std::variant<choice, failure> take(const install& one, std::string_view asked, const blend_facts& file,
                                   std::string_view blend) {
  if (!one.wrong.empty())
    return missing(one);
  switch (opens(one, file)) {
  case opening::whole:
    return choice{.blender = std::string{asked}, .reason = {}, .warning = {}};
  case opening::lossy:
    return choice{.blender = std::string{asked}, .reason = {}, .warning = lossy_warning(one, file, blend)};
  case opening::refused:
    break;
  }
  return unreadable({&one}, file, blend);
}

} // namespace

std::optional<int> parse_file_version(std::string_view text) {
  constexpr int limit = 100;
  const auto v = parse_version(text);
  return v && v->major < limit && v->minor < limit ? std::optional{v->major * limit + v->minor}
                                                   : std::nullopt;
}

std::string format_version(int version) {
  return fmt::format("{}.{}", version / 100, version % 100);
}

std::string_view bare_version(const install& of) {
  std::string_view text = of.version;
  return text.starts_with(maker) ? text.substr(maker.size()) : text;
}

opening opens(int version, const blend_facts& file) {
  if (file.header.is_long && version < reads_long_header)
    return opening::refused;
  if (file.header.packed == blend_header::packing::zstd && version < reads_zstd)
    return opening::refused; // whichever version wrote it
  const auto written_by = file.header.version;
  if (!written_by || version >= *written_by)
    return opening::whole;
  const int minimum = file.minimum.value_or(0);
  if (minimum <= version)
    return opening::lossy;
  return version < refuses_newer && minimum < reads_meshes_of_4 ? opening::lossy : opening::refused;
}

std::variant<choice, failure> choose_blender(const std::vector<install>& installs, std::string_view asked,
                                             const blend_facts& file, std::string_view blend) {
  if (!asked.empty()) {
    const auto* named = find_install(installs, asked);
    if (!named)
      return failure{
          .kind = failure_kind::blender_missing,
          .message = fmt::format("kilnd has no Blender named {} any more (--blender {}=PATH)", asked, asked)};
    return take(*named, asked, file, blend);
  }
  if (installs.size() == 1)
    return take(installs.front(), {}, file, blend);

  std::vector<const install*> usable;
  for (const auto& one : installs)
    if (one.wrong.empty())
      usable.push_back(&one);
  if (usable.empty())
    return missing(installs.front());
  const auto& usual = *usable.front();
  const auto because = [&](const install& one, std::string why) {
    if (const auto& wanted = installs.front(); !wanted.wrong.empty())
      why = fmt::format("{}; the default, {}, cannot be used: {}", why, wanted.name, wanted.wrong);
    return choice{.blender = one.name, .reason = std::move(why), .warning = {}};
  };
  const bool is_default = &usual == &installs.front();
  if (!file.header.version)
    return because(usual,
                   fmt::format("{} does not say which Blender wrote it; {} is the {} here", label_of(blend),
                               bare_version(usual), is_default ? "default" : "first"));
  if (opens(usual, file) == opening::whole)
    return because(usual, fmt::format("{}; {} is the {} here, and not older", written_by(file, blend),
                                      bare_version(usual), is_default ? "default" : "first"));

  // Oldest to newest; installs of unknown version are used only if named.
  std::vector<std::pair<int, const install*>> by_age;
  for (const auto* one : usable)
    if (const auto version = parse_file_version(one->version))
      by_age.emplace_back(*version, one);
  std::ranges::stable_sort(by_age, {}, &decltype(by_age)::value_type::first);
  for (const auto& [version, one] : by_age)
    if (opens(version, file) == opening::whole)
      return because(*one, fmt::format("{}; {} is the oldest here that is new enough",
                                       written_by(file, blend), bare_version(*one)));
  for (auto at = by_age.rbegin(); at != by_age.rend(); ++at)
    if (const auto& one = *at->second; opens(at->first, file) == opening::lossy) {
      auto found = because(one, fmt::format("{}; {} is the newest here that opens it",
                                            written_by(file, blend), bare_version(one)));
      found.warning = lossy_warning(one, file, blend);
      return found;
    }
  return unreadable(usable, file, blend);
}

} // namespace kiln::blender

// SPDX-License-Identifier: Apache-2.0
#include "blender/version.hpp"

#include "base/text.hpp"

#include <charconv>

namespace kiln::blender {
namespace {

constexpr std::string_view name = "Blender ";
constexpr std::string_view spaces = " \t\r";
constexpr std::size_t most_digits = 4;
constexpr std::size_t longest_version = 100;

bool skip(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix))
    return false;
  text.remove_prefix(prefix.size());
  return true;
}

/// Removes and returns a number at the front of `text`.
std::optional<int> take_part(std::string_view& text) {
  int number = 0;
  const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), number);
  const auto digits = static_cast<std::size_t>(end - text.data());
  if (bad != std::errc{} || text.front() == '-' || digits > most_digits)
    return std::nullopt;
  text.remove_prefix(digits);
  return number;
}

bool is_printable(std::string_view text) {
  for (const unsigned char c : text)
    if (c < ' ' || c > '~')
      return false;
  return true;
}

} // namespace

std::optional<version> parse_version(std::string_view text) {
  skip(text, name);
  version v;
  const auto major = take_part(text);
  if (!major || !skip(text, "."))
    return std::nullopt;
  const auto minor = take_part(text);
  if (!minor)
    return std::nullopt;
  v.major = *major;
  v.minor = *minor;
  if (skip(text, ".") || skip(text, " (sub ")) {
    const auto patch = take_part(text);
    if (!patch)
      return std::nullopt;
    v.patch = *patch;
  }
  const bool ends =
      text.empty() || spaces.find(text.front()) != std::string_view::npos || text.front() == ')';
  return ends ? std::optional{v} : std::nullopt;
}

std::optional<std::string> find_version(std::string_view printed) {
  while (!printed.empty()) {
    const auto end = printed.find('\n');
    auto line = trimmed(printed.substr(0, end), spaces);
    printed.remove_prefix(end == std::string_view::npos ? printed.size() : end + 1);
    // "00:00.149  blender          | Blender 5.2.2 LTS"
    if (const auto bar = line.find(" | "); bar != std::string_view::npos && !line.starts_with(name))
      line = trimmed(line.substr(bar + 3), spaces);
    if (line.starts_with(name) && line.size() <= longest_version && is_printable(line) && parse_version(line))
      return std::string{line};
  }
  return std::nullopt;
}

} // namespace kiln::blender

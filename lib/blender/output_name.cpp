// SPDX-License-Identifier: Apache-2.0
#include "blender/output_name.hpp"

#include "blender/command_line.hpp"
#include "domain/image_format.hpp"

#include <algorithm>

namespace kiln::blender {
namespace {

constexpr std::string_view letters_and_digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
constexpr std::size_t longest_word = 100; // LONGEST of kiln_outputs.py, and the number of one that repeats
constexpr std::size_t longest_view = 63;  // SceneRenderView.suffix

bool is_plain(char c, std::string_view or_one_of) {
  return letters_and_digits.find(c) != std::string_view::npos || or_one_of.find(c) != std::string_view::npos;
}

/// A name of a node or a slot as kiln_outputs.py makes it.
bool is_word(std::string_view text) {
  return !text.empty() && text.size() <= longest_word && text.front() != '-' && text.back() != '-' &&
         text.find("--") == std::string_view::npos &&
         std::ranges::all_of(text, [](char c) { return is_plain(c, "-"); });
}

bool is_view(std::string_view text) {
  return text.size() <= longest_view && std::ranges::all_of(text, [](char c) { return is_plain(c, "._-"); });
}

} // namespace

std::optional<output_name> parse_output_name(std::string_view name) {
  const auto slot_at = name.find("--");
  if (slot_at == std::string_view::npos)
    return std::nullopt;
  const auto node = name.substr(0, slot_at);
  const auto rest = name.substr(slot_at + 2);
  const auto frame_at = std::min(rest.find('_'), rest.size());
  const auto slot = rest.substr(0, frame_at);
  const auto numbered = rest.substr(std::min(frame_at + 1, rest.size()));
  const auto digits = numbered.substr(0, numbered.find_first_not_of("0123456789"));
  const auto tail = numbered.substr(digits.size());
  const auto extension_at = std::min(tail.rfind('.'), tail.size());
  const auto view = tail.substr(0, extension_at);
  const auto extension = tail.substr(extension_at);
  const auto frame = parse_frame_digits(digits);
  if (!is_word(node) || !is_word(slot) || !frame || !is_view(view) ||
      !domain::find_format_by_extension(extension))
    return std::nullopt;
  return output_name{.node = std::string{node},
                     .slot = std::string{slot},
                     .frame = *frame,
                     .view = std::string{view},
                     .extension = std::string{extension}};
}

} // namespace kiln::blender

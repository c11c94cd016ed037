// SPDX-License-Identifier: Apache-2.0
#include "http/trace_context.hpp"

#include <algorithm>

namespace kiln::http {
namespace {

constexpr std::size_t size_00 = 55; // version 00: "00-" 32 digits "-" 16 digits "-" 2 digits

bool is_hex(std::string_view text) noexcept {
  return std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_zero(std::string_view text) noexcept {
  return text.find_first_not_of('0') == std::string_view::npos;
}

} // namespace

std::string_view parse_trace_id(std::string_view field) noexcept {
  if (field.size() < size_00 || field[2] != '-' || field[35] != '-' || field[52] != '-')
    return {};
  const auto version = field.substr(0, 2), trace = field.substr(3, 32), parent = field.substr(36, 16),
             flags = field.substr(53, 2);
  if (!is_hex(version) || !is_hex(trace) || !is_hex(parent) || !is_hex(flags))
    return {};
  if (version == "ff" || is_zero(trace) || is_zero(parent))
    return {};
  // A later version may append more.
  if (field.size() > size_00 && (version == "00" || field[size_00] != '-'))
    return {};
  return trace;
}

std::string_view trace_id_of(const request& asked) noexcept {
  std::string_view found;
  for (const auto& [name, value] : asked.fields) {
    if (!equals_ignoring_case(name, "traceparent"))
      continue;
    if (!found.empty())
      return {};
    found = value;
  }
  return parse_trace_id(found);
}

} // namespace kiln::http

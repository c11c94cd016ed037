// SPDX-License-Identifier: Apache-2.0
#include "client/table.hpp"

#include <algorithm>

namespace kiln::client {
namespace {

/// Characters of UTF-8; wide ones count as one.
std::size_t width_of(const std::string& cell) {
  return static_cast<std::size_t>(
      std::ranges::count_if(cell, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

} // namespace

std::string format_table(const row& names, const std::vector<row>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& name : names)
    widths.push_back(width_of(name));
  for (const auto& one : rows)
    for (std::size_t i = 0; i < widths.size() && i < one.size(); ++i)
      widths[i] = std::max(widths[i], width_of(one[i]));
  std::string out;
  const auto add = [&](const row& one) {
    std::string line;
    for (std::size_t i = 0; i < one.size() && i < widths.size(); ++i)
      line += one[i] + std::string(widths[i] - width_of(one[i]) + 2, ' ');
    out += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  };
  add(names);
  for (const auto& one : rows)
    add(one);
  return out;
}

std::string format_tabs(const std::vector<row>& rows) {
  std::string out;
  for (const auto& one : rows) {
    for (std::size_t i = 0; i < one.size(); ++i) {
      auto cell = one[i];
      std::ranges::replace(cell, '\t', ' ');
      out += (i > 0 ? "\t" : "") + cell;
    }
    out += '\n';
  }
  return out;
}

} // namespace kiln::client

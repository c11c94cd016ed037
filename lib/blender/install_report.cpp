// SPDX-License-Identifier: Apache-2.0
#include "blender/install_report.hpp"

#include "blender/setup_script.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

namespace kiln::blender {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

std::string text_of(const json::object& from, std::string_view name) {
  const auto* member = from.if_contains(name);
  return member && member->is_string() ? std::string{member->get_string()} : std::string{};
}

template<class Number>
Number number_of(const json::object& from, std::string_view name) {
  const auto* member = from.if_contains(name);
  boost::system::error_code ec;
  return member && member->is_number() ? member->to_number<Number>(ec) : Number{};
}

std::optional<install_report> read(const json::object& from) {
  install_report r{.version = text_of(from, "version"),
                   .binary = text_of(from, "binary"),
                   .device = number_of<std::uint64_t>(from, "device"),
                   .inode = number_of<std::uint64_t>(from, "inode"),
                   .pid = number_of<std::int64_t>(from, "pid"),
                   .group = number_of<std::int64_t>(from, "group"),
                   .directory = text_of(from, "directory"),
                   .temp = text_of(from, "temp"),
                   .places = {}};
  if (r.version.empty() || !r.binary.is_absolute())
    return std::nullopt;
  if (const auto* list = from.if_contains("places"); list && list->is_array())
    for (const auto& place : list->get_array())
      if (place.is_string() && place.get_string().starts_with('/'))
        r.places.emplace_back(std::string{place.get_string()});
  return r;
}

} // namespace

std::optional<install_report> find_install_report(std::string_view printed) {
  while (!printed.empty()) {
    const auto end = printed.find('\n');
    const auto line = printed.substr(0, end);
    printed.remove_prefix(end == std::string_view::npos ? printed.size() : end + 1);
    if (!line.starts_with(report_mark))
      continue;
    boost::system::error_code ec;
    const auto value = json::parse(line.substr(report_mark.size()), ec);
    if (const auto* object = ec ? nullptr : value.if_object())
      if (auto report = read(*object))
        return report;
  }
  return std::nullopt;
}

} // namespace kiln::blender

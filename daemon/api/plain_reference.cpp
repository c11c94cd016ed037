// SPDX-License-Identifier: Apache-2.0
#include "api/plain_reference.hpp"

#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

namespace kiln::api {
namespace {

namespace json = boost::json;

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text)
    switch (c) {
    case '<':
      out += "&lt;";
      break;
    case '>':
      out += "&gt;";
      break;
    case '&':
      out += "&amp;";
      break;
    case '"':
      out += "&quot;";
      break;
    default:
      out += c;
    }
  return out;
}

/// Empty if the member is missing.
std::string text_of(const json::object& from, const char* member) {
  const auto* found = from.if_contains(member);
  const auto* text = found ? found->if_string() : nullptr;
  return text ? escaped(std::string_view{*text}) : std::string{};
}

} // namespace

std::string plain_reference(std::string_view openapi) {
  constexpr std::array methods{"get", "post", "put", "patch", "delete"};
  const auto all = json::parse(openapi).as_object();
  std::string rows;
  for (const auto& [path, item] : all.at("paths").as_object())
    for (const auto& [method, operation] : item.as_object()) {
      if (std::ranges::find(methods, std::string_view{method}) == methods.end())
        continue; // the parameters of the path
      std::string name{std::string_view{method}};
      std::ranges::transform(name, name.begin(), [](char c) { return static_cast<char>(c - 'a' + 'A'); });
      const auto& of = operation.as_object();
      fmt::format_to(std::back_inserter(rows),
                     "<tr><td>{}</td><td><code>{}</code></td><td><b>{}.</b> {}</td></tr>\n", name,
                     escaped(std::string_view{path}), text_of(of, "summary"), text_of(of, "description"));
    }
  return fmt::format(R"(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Kiln: the API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/reference.css">
</head>
<body>
<h1>Kiln: the API</h1>
<p>All of it, for programs: <a href="v1/openapi.json">openapi.json</a> (OpenAPI 3.1). This list stands in for the full
reference: <code>packaging/reference/fetch</code> installs that.</p>
<table>
{}</table>
</body>
</html>
)",
                     rows);
}

} // namespace kiln::api

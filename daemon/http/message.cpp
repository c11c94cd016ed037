// SPDX-License-Identifier: Apache-2.0
#include "http/message.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace kiln::http {
namespace {

char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

} // namespace

bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept {
  return std::ranges::equal(a, b, {}, lower, lower);
}

std::optional<std::string_view> request::find(std::string_view name) const noexcept {
  const auto found =
      std::ranges::find_if(fields, [&](const field& f) { return equals_ignoring_case(f.name, name); });
  return found == fields.end() ? std::nullopt : std::optional{found->value};
}

std::optional<std::uint64_t> length_of(const large_body& body) {
  if (const auto* file = std::get_if<file_body>(&body))
    return file->length;
  if (const auto* made = std::get_if<std::shared_ptr<body_stream>>(&body))
    return (*made)->length();
  return std::nullopt;
}

prebuilt::prebuilt(const response& from, bool has_large_body) : status_(from.status), body_(from.body) {
  auto out = std::back_inserter(head_);
  fmt::format_to(
      out, "HTTP/1.1 {} {}\r\nServer: kilnd\r\nX-Content-Type-Options: nosniff\r\nCache-Control: {}\r\n",
      from.status, reason_phrase(from.status), from.cache_control);
  if (!from.content_type.empty())
    fmt::format_to(out, "Content-Type: {}\r\n", from.content_type);
  for (const auto& [name, value] : from.fields)
    fmt::format_to(out, "{}: {}\r\n", name, value);
  if (from.status != 204 && from.status != 304 && !has_large_body)
    fmt::format_to(out, "Content-Length: {}\r\n", body_.size());
}

std::string_view reason_phrase(int status) noexcept {
  switch (status) {
  case 200:
    return "OK";
  case 201:
    return "Created";
  case 202:
    return "Accepted";
  case 204:
    return "No Content";
  case 206:
    return "Partial Content";
  case 304:
    return "Not Modified";
  case 400:
    return "Bad Request";
  case 401:
    return "Unauthorized";
  case 403:
    return "Forbidden";
  case 404:
    return "Not Found";
  case 405:
    return "Method Not Allowed";
  case 406:
    return "Not Acceptable";
  case 408:
    return "Request Timeout";
  case 409:
    return "Conflict";
  case 413:
    return "Content Too Large";
  case 414:
    return "URI Too Long";
  case 415:
    return "Unsupported Media Type";
  case 416:
    return "Range Not Satisfiable";
  case 417:
    return "Expectation Failed";
  case 421:
    return "Misdirected Request";
  case 422:
    return "Unprocessable Content";
  case 429:
    return "Too Many Requests";
  case 431:
    return "Request Header Fields Too Large";
  case 500:
    return "Internal Server Error";
  case 501:
    return "Not Implemented";
  case 503:
    return "Service Unavailable";
  case 505:
    return "HTTP Version Not Supported";
  case 507:
    return "Insufficient Storage";
  default:
    return "";
  }
}

} // namespace kiln::http

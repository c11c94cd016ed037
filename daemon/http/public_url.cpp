// SPDX-License-Identifier: Apache-2.0
#include "http/public_url.hpp"

#include "http/framing.hpp"
#include "http/origins.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>

namespace kiln::http {
namespace {

constexpr std::string_view end_of_scheme = "://";
constexpr std::size_t longest_prefix = 200;

bool is_segment(std::string_view text) noexcept {
  return !text.empty() && text != "." && text != ".." &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._~-") ==
             std::string_view::npos;
}

} // namespace

result<public_url> parse_public_url(std::string_view text) {
  const auto wrong = [&](std::string_view why) {
    return error{
        errc::invalid_input,
        fmt::format("\"{}\" is not a URL such as https://farm.example or https://farm.example/kiln: {}", text,
                    why)};
  };
  const auto scheme = text.find(end_of_scheme);
  if (scheme == std::string_view::npos)
    return wrong("it begins with http:// or https://");
  const auto end = std::min(text.find('/', scheme + end_of_scheme.size()), text.size());
  const auto origin = parse_origin(text.substr(0, end));
  if (!origin)
    return origin.error();
  if (!origin->starts_with("http://") && !origin->starts_with("https://"))
    return wrong("it begins with http:// or https://");
  auto prefix = text.substr(end);
  if (prefix.ends_with('/'))
    prefix.remove_suffix(1);
  if (!prefix.empty() && !is_path_prefix(prefix))
    return wrong("behind the host stands a path of letters, digits, '.', '_', '~' and '-', without empty, "
                 "\".\" or \"..\" segments, or nothing");
  return public_url{*origin, std::string{prefix}};
}

std::string_view host_of(const public_url& url) noexcept {
  const std::string_view origin{url.origin};
  return origin.empty() ? origin
                        : host_without_port(origin.substr(origin.find(end_of_scheme) + end_of_scheme.size()));
}

bool is_path_prefix(std::string_view text) noexcept {
  if (text.size() > longest_prefix || !text.starts_with('/'))
    return false;
  for (std::size_t at = 1; at <= text.size();) {
    const auto end = std::min(text.find('/', at), text.size());
    if (!is_segment(text.substr(at, end - at)))
      return false;
    at = end + 1;
  }
  return true;
}

std::string with_links_at(std::string_view base, std::string_view json) {
  constexpr std::string_view links = R"("links":{)", value = R"(":"/)";
  constexpr std::array<std::string_view, 2> single{R"("link":"/)", R"("jobs":"/)"};
  std::string out;
  std::size_t done = 0;
  const auto insert_before = [&](std::size_t slash) {
    out.append(json, done, slash - done).append(base);
    done = slash;
  };
  for (std::size_t at = json.find('"'); at != std::string_view::npos; at = json.find('"', at + 1)) {
    const auto rest = json.substr(at);
    for (const auto name : single)
      if (rest.starts_with(name))
        insert_before(at + name.size() - 1);
    if (!rest.starts_with(links))
      continue;
    const auto end = std::min(json.find('}', at), json.size());
    for (at = json.find(value, at); at < end; at = json.find(value, at + 1))
      insert_before(at + value.size() - 1);
    at = end - 1;
  }
  return out.append(json, done);
}

bool has_links(const prebuilt& answer) noexcept {
  return answer.head().find("\r\nContent-Type: application/json") != std::string::npos ||
         answer.head().find("\r\nContent-Type: text/event-stream") != std::string::npos;
}

prebuilt answer_below(std::string_view prefix, const prebuilt& answer) {
  constexpr std::string_view length = "\r\nContent-Length: ";
  auto head = answer.head();
  for (const std::string_view field : {"\r\nLocation: /", "\r\nLink: </"})
    if (const auto at = head.find(field); at != std::string::npos)
      head.insert(at + field.size() - 1, prefix);
  if (!has_links(answer))
    return {answer.status(), std::move(head), answer.body()};
  auto body = with_links_at(prefix, answer.body());
  if (const auto at = head.find(length); at != std::string::npos) {
    const auto begin = at + length.size();
    head.replace(begin, head.find('\r', begin) - begin, std::to_string(body.size()));
  }
  return {answer.status(), std::move(head), std::move(body)};
}

} // namespace kiln::http

// SPDX-License-Identifier: Apache-2.0
#include "http/service.hpp"

#include "policy/retry_after.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <iterator>
#include <random>

namespace kiln::http {
namespace {

constexpr std::size_t longest_id = 64;

bool is_request_id(std::string_view text) {
  return !text.empty() && text.size() <= longest_id && std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
           c == '_' || c == '-';
  });
}

/// The fields that decide about a request, found in one pass.
struct named_fields {
  std::optional<std::string_view> host;
  std::optional<std::string_view> authorization; ///< the first
  int authorizations = 0;
};

named_fields find_named(std::span<const field> fields) noexcept {
  named_fields found;
  for (const auto& [name, value] : fields) {
    if (equals_ignoring_case(name, "Host")) {
      found.host = value;
    } else if (equals_ignoring_case(name, "Authorization") && found.authorizations++ == 0) {
      found.authorization = value;
    }
  }
  return found;
}

response nothing(int status) {
  return {.status = status, .content_type = {}, .body = {}};
}

} // namespace

service::service(limits l, std::vector<std::string> hosts, access::gate& doors, error_page page,
                 spdlog::logger& log)
    : limits_(l), hosts_(std::move(hosts)), doors_(doors), error_page_(std::move(page)), log_(log),
      random_(std::random_device{}()), id_prefix_(fmt::format("{:08x}-", std::random_device{}())) {}

void service::on(std::string method, std::string pattern, access::role needed, handler answers) {
  add(std::move(method), std::move(pattern), needed, std::move(answers));
}

void service::on_stream(std::string method, std::string pattern, access::role needed,
                        stream_handler answers) {
  add(std::move(method), std::move(pattern), needed, std::move(answers));
}

void service::add(std::string method, std::string pattern, access::role needed, any_handler answers) {
  router_.add(std::move(method), std::move(pattern), routes_.size());
  routes_.push_back({needed, std::move(answers)});
}

bool service::is_host(std::string_view host) const noexcept {
  return std::ranges::any_of(hosts_,
                             [&](const std::string& known) { return equals_ignoring_case(known, host); });
}

answer service::error_answer(int status, std::string_view detail, std::string_view path) const {
  return error_page_(status, detail, path);
}

service::choice service::route(request& what) {
  const auto named = find_named(what.fields);
  if (named.host && !is_host(host_without_port(*named.host)))
    return {.refused = error_answer(421, "this host name is not served here; see allowed_hosts", what.path)};
  const bool is_any = what.path == "*";
  const auto found = is_any ? router::match{} : router_.find(what.method, what.path);
  const auto needed = found.handler ? routes_[*found.handler].needed : access::role::none;
  if (named.authorizations > 1)
    return {.refused = error_answer(400, "there is more than one Authorization field", what.path)};
  const access::question asked{named.authorization, what.network, needed};
  const auto made = doors_.decide(asked, std::chrono::steady_clock::now());
  what.by = made.who;
  choice chosen;
  if (auto refused = refusal(made, needed, what)) {
    chosen.refused = std::move(*refused);
  } else if (is_any) {
    chosen.refused = nothing(204);
  } else if (found.handler) {
    what.id = found.captured[0];
    what.item = found.captured[1];
    chosen.run = &routes_[*found.handler].answers;
  } else if (found.allow.empty()) {
    chosen.refused = error_answer(404, "there is nothing at this path", what.path);
  } else {
    auto other = what.method == "OPTIONS"
                     ? nothing(204)
                     : error_page_(405, fmt::format("{} is not for this path", what.method), what.path);
    other.fields.emplace_back("Allow", found.allow);
    chosen.refused = other;
  }
  return chosen;
}

std::optional<answer> service::refusal(const access::decision& made, access::role needed,
                                       const request& what) {
  using kind = access::decision::kind;
  switch (made.what) {
  case kind::admitted:
    return std::nullopt;
  case kind::unknown: {
    auto refused = error_page_(401,
                               made.wrong_token ? "this token is not known here"
                                                : "a token is needed: Authorization: Bearer kiln_...",
                               what.path);
    refused.fields.emplace_back("WWW-Authenticate", made.wrong_token
                                                        ? R"(Bearer realm="kiln", error="invalid_token")"
                                                        : R"(Bearer realm="kiln")");
    return refused;
  }
  case kind::forbidden: {
    auto refused = error_page_(403,
                               fmt::format("the role {} is needed, and the token {} has the role {}",
                                           to_string(needed), made.who->name, to_string(made.who->rank)),
                               what.path);
    refused.fields.emplace_back(
        "WWW-Authenticate",
        fmt::format(R"(Bearer realm="kiln", error="insufficient_scope", scope="{}")", to_string(needed)));
    return refused;
  }
  case kind::too_often:
    break;
  }
  const double chance = std::uniform_real_distribution<double>{}(random_);
  return answer{
      error_page_(429,
                  made.wrong_token ? "too many wrong tokens come from this address" : "too many requests",
                  what.path),
      policy::overload_retry_after(std::max(1.0, made.left->wait), chance)};
}

std::string service::request_id(const request& from) {
  if (const auto given = from.find("X-Request-Id"); given && is_request_id(*given))
    return std::string{*given};
  return fmt::format("{}{}", id_prefix_, next_id_++);
}

std::string_view service::date() {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  if (now != date_second_) {
    date_second_ = now;
    date_ = fmt::format("Date: {:%a, %d %b %Y %H:%M:%S} GMT\r\n",
                        fmt::gmtime(std::chrono::system_clock::to_time_t(now)));
  }
  return date_;
}

void service::write(std::string& out, const answer& what, std::string_view request_id, const framing& how) {
  out += what.what->head();
  out += date();
  out += "X-Request-Id: ";
  out += request_id;
  out += "\r\n";
  if (what.retry_after)
    fmt::format_to(std::back_inserter(out), "Retry-After: {}\r\n", *what.retry_after);
  if (const auto* file = std::get_if<file_body>(&what.large))
    fmt::format_to(std::back_inserter(out), "Content-Length: {}\r\n", file->length);
  else if (!std::holds_alternative<std::monostate>(what.large) && how.chunks)
    out += "Transfer-Encoding: chunked\r\n";
  out += how.fields;
  if (how.close)
    out += "Connection: close\r\n";
  out += "\r\n";
  if (how.with_body)
    out += what.what->body();
}

} // namespace kiln::http

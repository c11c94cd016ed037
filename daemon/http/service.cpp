// SPDX-License-Identifier: Apache-2.0
#include "http/service.hpp"

#include "access/clock.hpp"
#include "policy/retry_after.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
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
  std::string_view origin;                       ///< of the page that asks; empty where none was sent
  std::optional<std::string_view> authorization; ///< the first
  int authorizations = 0;
};

named_fields find_named(std::span<const field> fields) noexcept {
  named_fields found;
  for (const auto& [name, value] : fields) {
    if (equals_ignoring_case(name, "Host")) {
      found.host = value;
    } else if (equals_ignoring_case(name, "Origin")) {
      found.origin = value;
    } else if (equals_ignoring_case(name, "Authorization") && found.authorizations++ == 0) {
      found.authorization = value;
    }
  }
  return found;
}

bool is_change(std::string_view method) noexcept {
  return method != "GET" && method != "HEAD" && method != "OPTIONS";
}

response nothing(int status) {
  return {.status = status, .content_type = {}, .body = {}};
}

} // namespace

service::service(limits l, std::vector<std::string> hosts, access::gate& doors, error_page page,
                 aio::blocking_pool& pool, spdlog::logger& log)
    : limits_(l), hosts_(std::move(hosts)), doors_(doors), error_page_(std::move(page)), pool_(pool),
      log_(log), random_(std::random_device{}()), id_prefix_(fmt::format("{:08x}-", std::random_device{}())) {
}

void service::on(std::string method, std::string pattern, access::role needed, handler answers) {
  add(std::move(method), std::move(pattern), needed, std::move(answers));
}

void service::on_stream(std::string method, std::string pattern, access::role needed,
                        stream_handler answers) {
  add(std::move(method), std::move(pattern), needed, std::move(answers));
}

void service::add(std::string method, std::string pattern, access::role needed, any_handler answers) {
  log_.debug("serves method={} path={}", method, pattern);
  routes_.push_back({method, pattern, needed});
  traffic_.add_route();
  router_.add(std::move(method), std::move(pattern), handlers_.size());
  handlers_.push_back(std::move(answers));
}

void service::count(const any_handler* by, int status, std::chrono::duration<double> took) {
  if (by)
    traffic_.answered(static_cast<std::size_t>(by - handlers_.data()), status, took);
  else
    traffic_.answered_unknown(status, took);
}

bool service::is_host(std::string_view host) const noexcept {
  return std::ranges::any_of(hosts_,
                             [&](const std::string& known) { return equals_ignoring_case(known, host); });
}

answer service::error_answer(int status, std::string_view detail, std::string_view path) const {
  return error_page_(status, detail, path);
}

public_url service::url_behind(const ip_address& proxy, std::span<const field> fields) const {
  auto url = forwarded_url(proxy, fields, proxies_);
  if (!is_host(host_of(url)))
    url.origin.clear();
  return url;
}

answer service::no_place(std::string_view path) {
  constexpr int least = 1; // seconds
  return {error_page_(503, "there are too many connections", path),
          std::uniform_int_distribution{least, 3 * least}(random_)};
}

service::choice service::route(request& what) {
  const auto named = find_named(what.fields);
  if (named.host && !is_host(host_without_port(*named.host)))
    return {.refused = error_answer(421, "this host name is not served here; see allowed_hosts", what.path)};
  if (named.authorizations > 1)
    return {.refused = error_answer(400, "there is more than one Authorization field", what.path)};
  const auto standing =
      named.origin.empty() ? origins::standing::own : origins_.of(named.origin, named.host.value_or(""));
  choice chosen;
  chosen.fields = origins_.fields(named.origin, standing);
  const bool is_preflight = what.method == "OPTIONS" && !named.origin.empty() &&
                            what.find("Access-Control-Request-Method").has_value();
  if (standing == origins::standing::foreign && (is_preflight || is_change(what.method))) {
    chosen.refused = error_answer(
        403, "a page of this Origin may not ask here, whoever looks at it; see allowed_origins", what.path);
    return chosen;
  }

  const bool is_any = what.path == "*";
  auto found = is_any ? router::match{} : router_.find(what.method, what.path);
  const auto needed = found.handler ? routes_[*found.handler].needed : access::role::none;
  access::question asked{.authorization = named.authorization, .needed = needed};
  if (!named.authorization && doors_.has_tokens()) {
    asked.session = session_in(what);
    const bool by_own_page = !named.origin.empty() && standing == origins::standing::own;
    if (asked.session && is_change(what.method) && !by_own_page) {
      chosen.refused = error_answer(403,
                                    "with a session, only a page of kilnd itself may change something, and "
                                    "its browser says so in Origin; other clients send their token",
                                    what.path);
      return chosen;
    }
  }
  if (auto refused = admit(what, asked, chosen.fields)) {
    chosen.refused = std::move(*refused);
  } else if (found.handler) {
    what.id = found.captured[0];
    what.item = found.captured[1];
    chosen.run = &handlers_[*found.handler];
  } else {
    if (is_preflight && standing == origins::standing::allowed && !found.allow.empty())
      chosen.fields += preflight_fields(found.allow);
    chosen.refused = answer_without_handler(what, found.allow);
  }
  return chosen;
}

answer service::answer_without_handler(const request& what, const std::string& allow) const {
  if (what.path == "*")
    return nothing(204);
  if (allow.empty())
    return error_answer(404, "there is nothing at this path", what.path);
  auto given = what.method == "OPTIONS"
                   ? nothing(204)
                   : error_page_(405, fmt::format("{} is not for this path", what.method), what.path);
  given.fields.emplace_back("Allow", allow);
  return given;
}

void service::report(const request& asked, const prebuilt& given, std::string_view request_id) const {
  if (on_change_ && is_change(asked.method))
    on_change_(asked, given, request_id);
}

/// draft-ietf-httpapi-ratelimit-headers-10: how many in how many seconds, how many are left, and when it is
/// as in the beginning.
std::string service::limit_fields(const access::decision& made) const {
  const bool is_request = !made.wrong_token || made.what != access::decision::kind::too_often;
  const auto& limit = is_request ? doors_.requests() : made.of_failures;
  const auto* name = is_request ? "requests" : "wrong-tokens";
  const auto whole = [](double value) { return static_cast<std::int64_t>(std::ceil(value)); };
  return fmt::format("RateLimit-Policy: \"{}\";q={};w={}\r\nRateLimit: \"{}\";r={};t={}\r\n", name,
                     static_cast<std::int64_t>(limit.burst), whole(limit.burst / limit.per_second), name,
                     made.left->remaining, whole(made.left->full_in));
}

/// Finds out who asks; gives the answer when they may not, or not now.
std::optional<answer> service::admit(request& what, access::question asked, std::string& fields) {
  if (doors_.is_open()) { // the usual case, and the one that has to cost nothing
    what.by = doors_.everybody();
    return std::nullopt;
  }
  asked.network = what.network;
  asked.today = access::today();
  auto made = doors_.decide(asked, std::chrono::steady_clock::now());
  what.by = std::move(made.who);
  if (made.left)
    fields += limit_fields(made);
  if (made.wrong_token && made.what != access::decision::kind::too_often)
    log_.warn("a token was shown that is none of ours from={} path={}", what.peer, what.path);
  return refusal(made, asked.needed, what);
}

std::optional<answer> service::admit_token(request& what, std::string_view token) {
  const auto authorization = fmt::format("Bearer {}", token);
  std::string fields;
  return admit(what, {.authorization = authorization, .needed = access::role::read}, fields);
}

void service::name_sessions(std::uint16_t port) {
  cookie_name_ = fmt::format("kiln_{}", port);
}

session_cookie service::cookie_of(const request& what) const {
  const bool is_secure = tls_ || (what.url && what.url->origin.starts_with("https://"));
  return {cookie_name_, is_secure};
}

/// A session that another site, or another port of this host, makes the browser show does not count.
std::optional<std::string_view> service::session_in(const request& what) const {
  if (const auto site = what.find("Sec-Fetch-Site"); site && *site != "same-origin" && *site != "none")
    return std::nullopt;
  return cookie_of(what).find(what.fields);
}

bool service::still_admits(const request& what) const {
  return !what.by || doors_.knows(*what.by, access::today());
}

std::optional<answer> service::refusal(const access::decision& made, access::role needed,
                                       const request& what) {
  using kind = access::decision::kind;
  switch (made.what) {
  case kind::admitted:
    return std::nullopt;
  case kind::unknown: {
    const auto why = made.expired ? fmt::format("the token {} has expired (it was valid until {}): ask the "
                                                "operator for a new one",
                                                made.expired->name, access::format_date(made.expired->since))
                     : made.wrong_token ? "this token is not known here"
                                        : "a token is needed: Authorization: Bearer kiln_...";
    auto refused = error_page_(401, why, what.path);
    refused.fields.emplace_back("WWW-Authenticate", made.wrong_token || made.expired
                                                        ? R"(Bearer realm="kiln", error="invalid_token")"
                                                        : R"(Bearer realm="kiln")");
    return refused;
  }
  case kind::forbidden: {
    auto refused = error_page_(403,
                               fmt::format("the role {} is needed, and the token {} has the role {}",
                                           to_string(needed), what.by->name, to_string(what.by->rank)),
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
  return answer{error_page_(429, made.wrong_token ? "there were too many wrong tokens" : "too many requests",
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
  const auto built =
      how.prefix.empty() ? what.what : std::make_shared<const prebuilt>(answer_below(how.prefix, *what.what));
  out += built->head();
  out += date();
  out += "X-Request-Id: ";
  out += request_id;
  out += "\r\n";
  if (what.retry_after) {
    fmt::format_to(std::back_inserter(out), "Retry-After: {}\r\n", *what.retry_after);
    traffic_.told_to_wait(what.what->status(), *what.retry_after);
  }
  if (const auto length = length_of(what.large))
    fmt::format_to(std::back_inserter(out), "Content-Length: {}\r\n", *length);
  else if (!std::holds_alternative<std::monostate>(what.large) && how.chunks)
    out += "Transfer-Encoding: chunked\r\n";
  out += how.fields;
  if (how.close)
    out += "Connection: close\r\n";
  out += "\r\n";
  if (how.with_body)
    out += built->body();
}

} // namespace kiln::http

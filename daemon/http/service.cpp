// SPDX-License-Identifier: Apache-2.0
#include "http/service.hpp"

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

} // namespace

service::service(limits l, std::vector<std::string> hosts, error_page page, spdlog::logger& log)
    : limits_(l), hosts_(std::move(hosts)), error_page_(std::move(page)), log_(log),
      id_prefix_(fmt::format("{:08x}-", std::random_device{}())) {}

void service::on(std::string method, std::string pattern, handler answers) {
  add(std::move(method), std::move(pattern), std::move(answers));
}

void service::on_stream(std::string method, std::string pattern, stream_handler answers) {
  add(std::move(method), std::move(pattern), std::move(answers));
}

void service::add(std::string method, std::string pattern, any_handler answers) {
  log_.debug("serves method={} path={}", method, pattern);
  routes_.push_back({method, pattern});
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

std::variant<const any_handler*, answer> service::route(request& what) const {
  if (const auto host = what.find("Host"); host && !is_host(host_without_port(*host)))
    return error_answer(421, "this host name is not served here; see allowed_hosts", what.path);
  if (what.path == "*")
    return answer{response{.status = 204, .content_type = {}, .body = {}}};
  const auto found = router_.find(what.method, what.path);
  if (found.handler) {
    what.id = found.captured[0];
    what.item = found.captured[1];
    return &handlers_[*found.handler];
  }
  if (found.allow.empty())
    return error_answer(404, "there is nothing at this path", what.path);
  auto refused = what.method == "OPTIONS"
                     ? response{.status = 204, .content_type = {}, .body = {}}
                     : error_page_(405, fmt::format("{} is not for this path", what.method), what.path);
  refused.fields.emplace_back("Allow", found.allow);
  return answer{refused};
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
  if (what.retry_after) {
    fmt::format_to(std::back_inserter(out), "Retry-After: {}\r\n", *what.retry_after);
    traffic_.told_to_wait(what.what->status(), *what.retry_after);
  }
  if (const auto* file = std::get_if<file_body>(&what.large))
    fmt::format_to(std::back_inserter(out), "Content-Length: {}\r\n", file->length);
  else if (!std::holds_alternative<std::monostate>(what.large) && how.chunks)
    out += "Transfer-Encoding: chunked\r\n";
  if (how.close)
    out += "Connection: close\r\n";
  out += "\r\n";
  if (how.with_body)
    out += what.what->body();
}

} // namespace kiln::http

// SPDX-License-Identifier: Apache-2.0
#include "api/problem.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

namespace kiln::api {
namespace {

struct kind {
  std::string_view name; // the last part of the type: stable, clients may compare it
  std::string_view title;
};

kind kind_of(int status) {
  switch (status) {
  case 400:
    return {"bad-request", "Bad request"};
  case 401:
    return {"unauthorized", "Unauthorized"};
  case 403:
    return {"forbidden", "Forbidden"};
  case 404:
    return {"not-found", "Not found"};
  case 405:
    return {"method-not-allowed", "Method not allowed"};
  case 406:
    return {"not-acceptable", "Not acceptable"};
  case 408:
    return {"request-timeout", "Request timeout"};
  case 409:
    return {"conflict", "Conflict"};
  case 413:
    return {"content-too-large", "Content too large"};
  case 414:
    return {"uri-too-long", "URI too long"};
  case 415:
    return {"unsupported-media-type", "Unsupported media type"};
  case 417:
    return {"expectation-failed", "Expectation failed"};
  case 421:
    return {"misdirected-request", "Misdirected request"};
  case 422:
    return {"invalid-input", "Invalid input"};
  case 429:
    return {"too-many-requests", "Too many requests"};
  case 431:
    return {"header-too-large", "Request header fields too large"};
  case 501:
    return {"not-implemented", "Not implemented"};
  case 503:
    return {"unavailable", "Service unavailable"};
  case 505:
    return {"http-version-not-supported", "HTTP version not supported"};
  case 507:
    return {"insufficient-storage", "Insufficient storage"};
  default:
    return {"internal", "Internal error"};
  }
}

bool is_tutorial(std::string_view path) {
  return path == "/job" || path.starts_with("/job/");
}

} // namespace

int status_of(const error& e) noexcept {
  if (e.code.category() != kiln_category())
    return 500;
  switch (static_cast<errc>(e.code.value())) {
  case errc::invalid_input:
    return 422;
  case errc::not_found:
    return 404;
  case errc::conflict:
    return 409;
  case errc::unavailable:
  case errc::exhausted:
    return 503;
  case errc::unsupported:
    return 415;
  case errc::too_large:
    return 413;
  case errc::no_room:
    return 507;
  case errc::corrupt:
  case errc::internal:
    return 500;
  }
  return 500;
}

error_body format_problem(int status, std::string_view detail, std::string_view path) {
  const auto [name, title] = kind_of(status);
  if (is_tutorial(path)) {
    return {"text/plain; charset=utf-8",
            detail.empty() ? std::string{title} : fmt::format("{}: {}", title, detail)};
  }
  boost::json::object body;
  body["type"] = fmt::format("urn:kiln:problem:{}", name);
  body["title"] = title;
  body["status"] = status;
  if (!detail.empty())
    body["detail"] = detail;
  return {"application/problem+json", boost::json::serialize(body)};
}

error_body format_field_problem(std::span<const domain::field_error> errors) {
  boost::json::object body;
  body["type"] = "urn:kiln:problem:invalid-input";
  body["title"] = "Invalid input";
  body["status"] = 422;
  body["detail"] = fmt::format("{} {}", errors.front().pointer, errors.front().message);
  boost::json::array all;
  for (const auto& [pointer, message] : errors)
    all.push_back(boost::json::object{{"pointer", pointer}, {"detail", message}});
  body["errors"] = std::move(all);
  return {"application/problem+json", boost::json::serialize(body)};
}

} // namespace kiln::api

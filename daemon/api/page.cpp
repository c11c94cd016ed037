// SPDX-License-Identifier: Apache-2.0
#include "api/page.hpp"

#include "api/answers.hpp"
#include "api/built_in.hpp"

#include <array>
#include <utility>

namespace kiln::api {
namespace {

using http::answer;
using http::response;

/// The page may neither load from nor send to another origin, and has no script or style in its text.
/// Pictures that were fetched with a token are blobs.
constexpr const char* page_policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
    "trusted-types 'none'";

constexpr std::array<std::pair<std::string_view, const char*>, 3> asset_types{
    {{".js", "text/javascript; charset=utf-8"},
     {".css", "text/css; charset=utf-8"},
     {".svg", "image/svg+xml"}}};

answer show_index(const http::request& asked) {
  response head{.status = 200, .content_type = "text/html; charset=utf-8", .body = {}};
  head.cache_control = "no-cache";
  head.fields = {{"Content-Security-Policy", page_policy},
                 {"Referrer-Policy", "no-referrer"},
                 {"Cross-Origin-Opener-Policy", "same-origin"},
                 {"Permissions-Policy", "camera=(), geolocation=(), microphone=()"}};
  return built_in_answer(asked, std::move(head), *find_built_in("index.html"));
}

/// The names of these files contain a digest of their content.
answer show_asset(const http::request& asked) {
  const auto* file = find_built_in(asked.id);
  for (const auto& [suffix, type] : asset_types)
    if (file && asked.id.ends_with(suffix)) {
      response head{.status = 200, .content_type = type, .body = {}};
      head.cache_control = "public, max-age=31536000, immutable";
      return built_in_answer(asked, std::move(head), *file);
    }
  return problem(404, "there is no such file: reload the page, which is of another version of kilnd");
}

} // namespace

void add_page_routes(http::service& to) {
  to.on("GET", "/", access::role::none, show_index);
  to.on("GET", "/page/{file}", access::role::none, show_asset);
}

} // namespace kiln::api

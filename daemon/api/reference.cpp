// SPDX-License-Identifier: Apache-2.0
#include "api/reference.hpp"

#include "api/answers.hpp"
#include "api/built_in.hpp"
#include "api/plain_reference.hpp"
#include "digest/sha256.hpp"
#include "http/public_url.hpp"
#include "output/results.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace kiln::api {
namespace {

using http::answer;
using http::response;

constexpr const char* page_type = "text/html; charset=utf-8";
constexpr const char* script_type = "text/javascript; charset=utf-8";
constexpr const char* style_type = "text/css; charset=utf-8";
constexpr const char* main_file = "swagger-ui-bundle.js";
constexpr std::array files{std::pair<std::string_view, const char*>{main_file, script_type},
                           std::pair<std::string_view, const char*>{"swagger-ui.css", style_type}};

// Addresses are relative, so that the page also works below another path.
constexpr const char* rich_page = R"(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Kiln: the API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<main id="reference"><noscript>This page needs JavaScript; <a href="v1/openapi.json">the description</a> does not.</noscript></main>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/reference.js"></script>
</body>
</html>
)";
constexpr const char* start_script = R"(// SPDX-License-Identifier: Apache-2.0
SwaggerUIBundle({
  url: new URL("../v1/openapi.json", document.currentScript.src).href,
  dom_id: "#reference",
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  validatorUrl: null, // or the description would be sent away to be judged
});
)";

constexpr const char* plain_style =
    R"(body { font-family: sans-serif; max-width: 70em; margin: 2em auto; padding: 0 1em }
td { vertical-align: top; padding: .3em .8em .3em 0 }
)";

/// The page may neither load from nor send to another origin.
constexpr const char* policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

response html(std::string text) {
  response made{
      .status = 200, .content_type = page_type, .body = std::move(text), .cache_control = "no-cache"};
  made.fields = {{"Content-Security-Policy", policy}, {"Referrer-Policy", "no-referrer"}};
  return made;
}

response unchanged_until_restart(const char* type) {
  return {.status = 200, .content_type = type, .body = {}, .cache_control = "no-cache"};
}

const built_in& openapi() {
  return *find_built_in("openapi.json");
}

/// A text of this file: it changes only with kilnd.
response own_text(const http::request& asked, const char* type, std::string_view text) {
  return text_answer(asked, unchanged_until_restart(type), text, openapi().digest);
}

/// The description, with its server where the client has found it.
response description(const http::request& asked) {
  constexpr std::string_view server = R"("servers": [{ "url": ")";
  if (!asked.url || asked.url->is_empty())
    return built_in_answer(asked, unchanged_until_restart(json_type), openapi());
  auto text = unpack(openapi());
  text.replace(text.find(server) + server.size(), 1, asked.url->text()); // "/"
  return text_answer(asked, unchanged_until_restart(json_type), text, digest::sha256(text));
}

} // namespace

reference::reference(std::filesystem::path files, aio::blocking_pool& pool)
    : files_(std::move(files)), pool_(pool) {}

void reference::add_routes(http::service& to) {
  using http::request;
  to.on("GET", "/v1/openapi.json", access::role::none,
        [](const request& asked) { return description(asked); });
  to.on("GET", "/docs", access::role::none, [this](const request&) { return page(); });
  to.on("GET", "/docs/{file}", access::role::none, [this](const request& asked) { return part(asked); });
}

aio::task<answer> reference::page() {
  const auto look = [file = files_ / main_file] {
    std::error_code ec;
    return std::filesystem::is_regular_file(file, ec);
  };
  const bool is_rich = co_await pool_.run(look);
  co_return html(is_rich ? rich_page : plain_reference(unpack(openapi())));
}

aio::task<answer> reference::part(const http::request& asked) {
  if (asked.id == "reference.js")
    co_return own_text(asked, script_type, start_script);
  if (asked.id == "reference.css")
    co_return own_text(asked, style_type, plain_style);
  const auto* known = std::ranges::find(files, asked.id, &decltype(files)::value_type::first);
  if (known == files.end())
    co_return problem(404, "there is nothing at this path");
  const auto open = [path = files_ / known->first] { return output::open_file(path); };
  auto file = co_await pool_.run(open);
  if (!file)
    co_return problem(404, "this file is not installed; see packaging/reference");
  co_return file_answer(asked, unchanged_until_restart(known->second), std::move(*file), "the file");
}

} // namespace kiln::api

// SPDX-License-Identifier: Apache-2.0
#include "api/blends.hpp"

#include "api/answers.hpp"
#include "api/blend_json.hpp"
#include "api/media_type.hpp"
#include "api/query.hpp"
#include "base/number.hpp"
#include "base/utf8.hpp"
#include "digest/digest_field.hpp"

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include <array>

namespace kiln::api {
namespace {

namespace json = boost::json;
using access::role;
using http::answer;
using http::response;

constexpr std::size_t longest_name = 255;

/// A file that is not a .blend is an error of the client, not a broken store.
answer refuse_blend(const error& e) {
  return e.code == errc::corrupt ? problem(422, e.message) : problem_of(e);
}

answer no_such_upload() {
  return problem(404, "this is not the id of an upload: sha256: and 64 hexadecimal digits in lower case");
}

/// The digits of the id in a path, in which clients may write the colon as %3A.
std::optional<std::string> id_of(std::string_view segment) {
  constexpr std::string_view scheme = "sha256";
  if (segment.starts_with(scheme))
    for (const std::string_view escaped : {"%3A", "%3a"})
      if (const auto rest = segment.substr(scheme.size()); rest.starts_with(escaped))
        return kiln::blends::parse_upload_id(fmt::format("{}:{}", scheme, rest.substr(escaped.size())));
  return kiln::blends::parse_upload_id(segment);
}

/// The fields of a request that describe the file.
struct upload_request {
  std::string name;
  std::optional<std::string> digest;
};

result<upload_request> parse_request(const http::request& asked) {
  constexpr std::array<std::string_view, 1> known{"name"};
  const auto parameters = parse_parameters(asked.query, known);
  if (!parameters)
    return parameters.error();
  upload_request wanted;
  if (const auto name = parameters->find("name"); name != parameters->end())
    wanted.name = name->second;
  if (wanted.name.size() > longest_name || !is_line_of_text(wanted.name))
    return error{
        errc::invalid_input,
        fmt::format("name must be UTF-8 of at most {} bytes without control characters", longest_name)};
  for (const auto* field : {"Content-Digest", "Repr-Digest"})
    if (const auto given = asked.find(field)) {
      auto digest = digest::parse_digest_field(*given);
      if (!digest)
        return error{errc::invalid_input, fmt::format("{}: {}", field, digest.error().message)};
      if (*digest && wanted.digest && *digest != wanted.digest)
        return error{errc::invalid_input, "Content-Digest and Repr-Digest differ"};
      if (*digest)
        wanted.digest = std::move(*digest);
    }
  return wanted;
}

} // namespace

void blends::add_routes(http::service& to) {
  using http::request;
  add_resumable_routes(to);
  to.on_stream("POST", "/v1/blends", role::submit,
               [this](const request& asked, http::body_reader& body) { return receive(asked, body); });
  to.on("GET", "/v1/blends", role::read, [this](const request& asked) { return list(asked); });
  to.on("GET", "/v1/blends/{id}", role::read, [this](const request& asked) { return read(asked); });
  to.on("DELETE", "/v1/blends/{id}", role::admin, [this](const request& asked) { return remove(asked); });
}

aio::task<answer> blends::receive(const http::request& asked, http::body_reader& body) {
  if (!is_blend(asked.find("Content-Type")))
    co_return problem(415,
                      "the .blend must be the whole body, sent as Content-Type: application/octet-stream");
  if (asked.find("Content-Encoding"))
    co_return problem(415,
                      "the .blend must be sent as it is, without Content-Encoding; it may be packed itself");
  auto wanted = parse_request(asked);
  if (!wanted)
    co_return problem(400, wanted.error().message);
  if (asked.find("Upload-Complete") == "?0")
    co_return co_await begin(asked, body, std::move(wanted->name), std::move(wanted->digest));
  auto begun = co_await uploads_.begin(body.length());
  if (!begun)
    co_return refuse_blend(begun.error());
  auto coming = std::move(*begun);
  if (const auto taken = co_await take_in(*coming, body); !taken) {
    co_await uploads_.give_up(std::move(coming));
    co_return refuse_blend(taken.error());
  }
  const auto kept = co_await uploads_.finish(std::move(coming), std::move(wanted->name),
                                             std::move(wanted->digest), asked.by);
  if (!kept)
    co_return refuse_blend(kept.error());
  co_return kept_answer(*kept);
}

response blends::kept_answer(const kiln::blends::uploads::outcome& kept) const {
  auto shown = json_answer(kept.is_new ? 201 : 200, format_upload(kept.upload, keep_));
  shown.fields.emplace_back("Location", "/v1/blends/" + kiln::blends::format_upload_id(kept.upload.digest));
  return shown;
}

aio::task<result<void>> blends::take_in(kiln::blends::arrival& into, http::body_reader& body) {
  for (;;) {
    const auto part = co_await body.read();
    if (!part)
      co_return part.error();
    if (part->empty())
      co_return result<void>{};
    if (const auto added = co_await uploads_.add(into, *part); !added)
      co_return added.error();
  }
}

aio::task<answer> blends::list(const http::request& asked) {
  constexpr std::array<std::string_view, 2> known{"limit", "cursor"};
  const auto parameters = parse_parameters(asked.query, known);
  const auto limit = parameters ? parse_limit(*parameters) : parameters.error();
  if (!limit)
    co_return problem(400, limit.error().message);
  std::optional<std::int64_t> before;
  if (const auto cursor = parameters->find("cursor"); cursor != parameters->end()) {
    constexpr std::int64_t most = (std::int64_t{1} << 53) - 1; // exact in every client
    before = parse_number<std::int64_t>(cursor->second, 1, most);
    if (!before)
      co_return problem(400, "cursor is not one that was given in a Link");
  }
  // One more entry shows whether there is a next page.
  auto page = co_await uploads_.list(before, *limit + 1, asked.by);
  if (!page)
    co_return refuse_blend(page.error());
  const bool has_next = page->size() > *limit;
  if (has_next)
    page->pop_back();
  json::array listed;
  for (const auto& upload : *page)
    listed.push_back(format_upload(upload, keep_));
  json::object content;
  content["blends"] = std::move(listed);
  auto shown = json_answer(200, content);
  if (has_next)
    shown.fields.emplace_back("Link",
                              next_page("/v1/blends", asked.query, std::to_string(page->back().number)));
  co_return shown;
}

aio::task<answer> blends::read(const http::request& asked) {
  auto id = id_of(asked.id);
  if (!id)
    co_return no_such_upload();
  const auto found = co_await uploads_.find(std::move(*id), asked.by);
  if (!found)
    co_return refuse_blend(found.error());
  co_return json_answer(200, format_upload(*found, keep_));
}

aio::task<answer> blends::remove(const http::request& asked) {
  auto id = id_of(asked.id);
  if (!id)
    co_return no_such_upload();
  if (const auto gone = co_await uploads_.remove(std::move(*id)); !gone)
    co_return refuse_blend(gone.error());
  co_return response{.status = 204, .content_type = {}, .body = {}};
}

} // namespace kiln::api

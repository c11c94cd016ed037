// SPDX-License-Identifier: Apache-2.0
#include "api/built_in.hpp"

#include "base/text.hpp"
#include "http/conditional.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include <zlib.h>

namespace kiln::api {
namespace {

using http::response;

/// `suffix`: of the ETag; the packed file is another representation than the file.
bool has_already(const http::request& asked, response& head, std::string_view digest,
                 std::string_view suffix = {}) {
  const auto etag = fmt::format("\"{}{}\"", digest.substr(0, 32), suffix);
  head.fields.emplace_back("ETag", etag);
  if (!http::is_not_modified(asked, {.etag = etag}))
    return false;
  head.status = 304;
  head.content_type.clear();
  return true;
}

/// "q=0", "q=0.000": not acceptable.
bool is_refused(std::string_view parameters) {
  const auto weight = trimmed(parameters);
  return (weight.starts_with("q=0") || weight.starts_with("Q=0")) &&
         weight.find_first_not_of("0.", 2) == std::string_view::npos;
}

} // namespace

const built_in* find_built_in(std::string_view name) noexcept {
  const auto found = std::ranges::lower_bound(built_ins, name, {}, &built_in::name);
  return found != built_ins.end() && found->name == name ? &*found : nullptr;
}

std::string unpack(const built_in& file) {
  std::string out(file.size, '\0');
  z_stream stream{};
  constexpr int with_gzip_header = 16 + MAX_WBITS;
  if (::inflateInit2(&stream, with_gzip_header) != Z_OK)
    return {};
  // zlib does not write to its input, but its interface is older than const.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(file.packed.data()));
  stream.avail_in = static_cast<uInt>(file.packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  ::inflate(&stream, Z_FINISH);
  ::inflateEnd(&stream);
  return out;
}

bool takes_gzip(const http::request& asked) {
  const auto field = asked.find("Accept-Encoding").value_or("");
  for (std::size_t at = 0; at < field.size();) {
    const auto end = std::min(field.find(',', at), field.size());
    const auto part = field.substr(at, end - at);
    const auto semicolon = std::min(part.find(';'), part.size());
    if (http::equals_ignoring_case(trimmed(part.substr(0, semicolon)), "gzip"))
      return !is_refused(part.substr(std::min(semicolon + 1, part.size())));
    at = end + 1;
  }
  return false;
}

response built_in_answer(const http::request& asked, response head, const built_in& file) {
  head.fields.emplace_back("Vary", "Accept-Encoding");
  if (!takes_gzip(asked)) {
    if (!has_already(asked, head, file.digest))
      head.body = unpack(file);
  } else if (!has_already(asked, head, file.digest, "-gzip")) {
    head.fields.emplace_back("Content-Encoding", "gzip");
    head.body = file.packed;
  }
  return head;
}

response text_answer(const http::request& asked, response head, std::string_view text,
                     std::string_view digest) {
  if (!has_already(asked, head, digest))
    head.body = text;
  return head;
}

} // namespace kiln::api

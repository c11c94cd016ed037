// SPDX-License-Identifier: Apache-2.0
// A head that Kiln accepts has one meaning: it is read here a second time, naively, and by Beast.
#include "check.hpp"
#include "http/framing.hpp"
#include "http/request_parser.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>

#include <cctype>
#include <string>
#include <vector>

namespace {

using namespace kiln::http;

std::string lower(std::string_view text) {
  std::string out{text};
  for (auto& c : out)
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

void check_accepted(std::string_view head) {
  std::size_t hosts = 0, lengths = 0, encodings = 0, fields = 0;
  const auto first_line = head.substr(0, head.find("\r\n"));
  for (auto at = first_line.size() + 2; at < head.size();) {
    const auto line = head.substr(at, head.find("\r\n", at) - at);
    at += line.size() + 2;
    if (line.empty()) {
      KILN_HOLDS(at == head.size());
      break;
    }
    ++fields;
    KILN_HOLDS(line[0] != ' ' && line[0] != '\t');
    KILN_HOLDS(line.find('\n') == line.npos && line.find('\r') == line.npos && line.find('\0') == line.npos);
    const auto name = lower(line.substr(0, line.find(':')));
    KILN_HOLDS(name.find(' ') == name.npos);
    hosts += name == "host";
    lengths += name == "content-length";
    encodings += name == "transfer-encoding";
    if (name == "transfer-encoding")
      KILN_HOLDS(lower(line).find("chunked") != line.npos && line.find(',') == line.npos);
  }
  KILN_HOLDS(hosts <= 1 && lengths <= 1 && encodings <= 1 && lengths + encodings <= 1);
  KILN_HOLDS(hosts == 1 || first_line.ends_with("HTTP/1.0"));

  std::vector<field> seen;
  std::string body;
  request_parser parser{seen, body};
  parser.header_limit(static_cast<std::uint32_t>(head.size() + 1));
  parser.body_limit(UINT64_MAX);
  boost::system::error_code ec;
  const auto used = parser.put(boost::asio::buffer(head.data(), head.size()), ec);
  KILN_HOLDS(!ec || ec == boost::beast::http::error::need_more);
  KILN_HOLDS(used == head.size() && parser.is_header_done() && seen.size() == fields);
  KILN_HOLDS(
      first_line.starts_with(std::string{parser.method()} + " " + std::string{parser.target()} + " HTTP/1."));
  KILN_HOLDS(parser.chunked() == (encodings == 1));
  KILN_HOLDS(parser.is_done() == (!parser.chunked() && (lengths == 0 || *parser.content_length() == 0)));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0)
    return 0;
  const std::size_t cut = data[0];
  const auto bytes = as_text(data + 1, size - 1);

  head_scanner whole;
  const auto end = whole.find_end(bytes);
  head_scanner pieces;
  auto end_of_pieces = pieces.find_end(bytes.substr(0, std::min(cut, bytes.size())));
  if (!end_of_pieces && !pieces.check(bytes.substr(0, std::min(cut, bytes.size())), {}))
    end_of_pieces = pieces.find_end(bytes);
  KILN_HOLDS(end == end_of_pieces || !end);
  if (!end)
    return 0;
  auto head = bytes.substr(0, *end);
  if (head.starts_with("\r\n"))
    head.remove_prefix(2);
  if (!check_head(head, {}))
    check_accepted(head);
  return 0;
}

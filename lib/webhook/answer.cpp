// SPDX-License-Identifier: Apache-2.0
#include "webhook/answer.hpp"

#include "base/number.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <fmt/format.h>

#include <string_view>

namespace kiln::webhook {

namespace beast_http = boost::beast::http;

namespace {

constexpr std::uint32_t most_header_bytes = 16 * 1024;

std::optional<std::chrono::seconds> read_retry_after(std::string_view value) {
  const auto seconds = parse_number<std::chrono::seconds::rep>(value);
  if (!seconds)
    return std::nullopt; // a date, or invalid: the schedule decides
  return std::chrono::seconds{*seconds};
}

sent judge(const beast_http::response_header<>& head) {
  sent out{.status = static_cast<int>(head.result_int())};
  const int status = *out.status;
  if (status / 100 == 2)
    return out;
  out.error = status / 100 == 3 ? fmt::format("it answered {}: redirects are not followed", status)
                                : fmt::format("it answered {}", status);
  out.retry_after = read_retry_after(std::string_view{head[beast_http::field::retry_after]});
  return out;
}

} // namespace

struct answer_reader::parser : beast_http::response_parser<beast_http::empty_body> {
  parser() {
    header_limit(most_header_bytes);
    skip(true); // discard the body
  }
};

answer_reader::answer_reader() : parser_(std::make_unique<parser>()), in_(most_header_bytes, '\0') {}

answer_reader::~answer_reader() = default;

std::span<char> answer_reader::room() {
  return std::span{in_}.subspan(filled_);
}

std::optional<sent> answer_reader::take(std::size_t size) {
  filled_ += size;
  for (;;) {
    boost::system::error_code ec;
    const auto used = parser_->put(boost::asio::buffer(in_.data(), filled_), ec);
    in_.erase(0, used).resize(most_header_bytes);
    filled_ -= used;
    if (ec == beast_http::error::need_more && filled_ < in_.size())
      return std::nullopt;
    if (ec == beast_http::error::need_more)
      return sent{.error = "its answer has too long a header"};
    if (ec)
      return sent{.error = fmt::format("its answer is not HTTP: {}", ec.message())};
    const auto status = parser_->get().result_int();
    if (status < 100)
      return sent{.error = fmt::format("its answer is not HTTP: {} is no status", status)};
    if (status / 100 != 1)
      return judge(parser_->get());
    parser_ = std::make_unique<parser>(); // 1xx comes before the answer that counts (RFC 9110, section 15.2)
  }
}

} // namespace kiln::webhook

// SPDX-License-Identifier: Apache-2.0
//
// Beast's parser, keeping views of the head instead of copies. For daemon/http only.
#pragma once

#include "http/framing.hpp"
#include "http/message.hpp"

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include <string>
#include <vector>

namespace kiln::http {

/// One for each request. The head must stay in place until the request is answered.
class request_parser final : public boost::beast::http::basic_parser<true> {
public:
  /// The strings and vectors belong to the session, so that their memory is reused.
  request_parser(std::vector<field>& fields, std::string& body) : fields_(fields), body_(body) {
    fields_.clear();
    body_.clear();
  }

  [[nodiscard]] std::string_view method() const noexcept { return method_; }
  [[nodiscard]] std::string_view target() const noexcept { return target_; }
  [[nodiscard]] bool is_http_1_1() const noexcept { return version_ == 11; }

private:
  using error_code = boost::beast::error_code;
  using text = boost::beast::string_view;
  using verb = boost::beast::http::verb;

  static std::string_view view(text t) { return {t.data(), t.size()}; }

  void on_request_impl(verb, text method, text target, int version, error_code&) override {
    version_ = version;
    method_ = view(method);
    target_ = view(target);
  }
  void on_response_impl(int, text, int, error_code&) override {}
  void on_field_impl(boost::beast::http::field, text name, text value, error_code&) override {
    if (!is_header_done()) // trailers after a chunked body are ignored; Boost 1.81 reports them here
      fields_.push_back({view(name), view(value)});
  }
  /// Newer Boost reports them here. Without `override`, since in older Boost it overrides nothing.
  void on_trailer_field_impl(boost::beast::http::field, text, text, error_code&) {}
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(text part, error_code&) override { return append(part); }
  void on_chunk_header_impl(std::uint64_t, text extension, error_code& ec) override {
    if (!is_field_value(view(extension))) // Beast allows line ends in quoted strings
      ec = boost::beast::http::error::bad_chunk_extension;
  }
  std::size_t on_chunk_body_impl(std::uint64_t, text part, error_code&) override { return append(part); }
  void on_finish_impl(error_code&) override {}

  std::size_t append(text part) {
    body_.append(part.data(), part.size());
    return part.size();
  }

  std::vector<field>& fields_;
  std::string& body_;
  std::string_view method_;
  std::string_view target_;
  int version_ = 0;
};

} // namespace kiln::http

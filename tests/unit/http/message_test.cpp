// SPDX-License-Identifier: Apache-2.0
#include "http/message.hpp"

#include <gtest/gtest.h>

#include <array>

namespace kiln::http {
namespace {

TEST(request, finds_fields_in_any_case) {
  const std::array fields{field{"Content-Type", "a"}, field{"X-Y", "b"}, field{"x-y", "c"}};
  request asked;
  asked.fields = fields;
  EXPECT_EQ(asked.find("content-TYPE"), "a");
  EXPECT_EQ(asked.find("x-y"), "b");
  EXPECT_EQ(asked.find("x"), std::nullopt);
}

TEST(prebuilt, holds_what_does_not_change) {
  const prebuilt built{response{
      .status = 202, .content_type = "text/plain", .body = "four", .fields = {{"Location", "/job/1"}}}};
  EXPECT_EQ(built.head(), "HTTP/1.1 202 Accepted\r\nServer: kilnd\r\nX-Content-Type-Options: "
                          "nosniff\r\nCache-Control: no-store\r\nContent-Type: text/plain\r\n"
                          "Location: /job/1\r\nContent-Length: 4\r\n");
  EXPECT_EQ(built.body(), "four");
}

TEST(prebuilt, no_content_has_no_length) { // RFC 9110, 8.6
  const prebuilt built{response{.status = 204, .content_type = {}, .body = {}}};
  EXPECT_EQ(built.head().find("Content-Length"), std::string::npos);
}

} // namespace
} // namespace kiln::http

// SPDX-License-Identifier: Apache-2.0
#include "api/audit.hpp"

#include <gtest/gtest.h>

#include <array>

namespace kiln::api {
namespace {

http::prebuilt given(int status, std::vector<std::pair<std::string, std::string>> fields = {}) {
  return http::prebuilt{
      http::response{.status = status, .content_type = {}, .body = {}, .fields = std::move(fields)}};
}

http::request asked(std::string_view method, std::string_view path, const char* by = nullptr) {
  http::request r;
  r.method = method;
  r.path = path;
  r.peer = "10.0.0.7";
  if (by)
    r.by = std::make_shared<const access::principal>(access::principal{by, access::role::submit});
  return r;
}

TEST(audit, says_who_what_where_and_how_it_went) {
  const std::string job = "/v1/jobs/j06h0nhrgvkx9ez8bgq";
  EXPECT_EQ(format_audit(asked("POST", job + "/cancel", "ci"), given(202), "r-1"),
            "audit by=ci from=10.0.0.7 method=POST path=/v1/jobs/j06h0nhrgvkx9ez8bgq/cancel "
            "job=j06h0nhrgvkx9ez8bgq status=202 request=r-1");
  EXPECT_EQ(
      format_audit(asked("POST", "/v1/jobs", "ci"), given(202, {{"Location", job}}), "r"),
      "audit by=ci from=10.0.0.7 method=POST path=/v1/jobs job=j06h0nhrgvkx9ez8bgq status=202 request=r");
  EXPECT_EQ(format_audit(asked("POST", "/job", ""),
                         given(202, {{"Location", "/job/77"}, {"Link", "<" + job + ">; rel=\"alternate\""}}),
                         "r"),
            "audit by=- from=10.0.0.7 method=POST path=/job job=j06h0nhrgvkx9ez8bgq status=202 request=r");
  EXPECT_EQ(
      format_audit(asked("POST", "/v1/webhooks", "ci"), given(201, {{"Location", "/v1/webhooks/w1"}}), "r"),
      "audit by=ci from=10.0.0.7 method=POST path=/v1/webhooks made=/v1/webhooks/w1 status=201 request=r");
}

TEST(audit, names_the_trace) {
  const std::array fields{
      http::field{"traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}};
  auto traced = asked("POST", "/v1/blends", "ci");
  traced.fields = fields;
  EXPECT_EQ(format_audit(traced, given(422), "r"),
            "audit by=ci from=10.0.0.7 method=POST path=/v1/blends status=422 request=r "
            "trace_id=4bf92f3577b34da6a3ce929d0e0e4736");
}

TEST(audit, what_was_refused_unseen_leaves_nothing) {
  EXPECT_EQ(format_audit(asked("POST", "/v1/jobs"), given(401), "r"), "");
  EXPECT_EQ(format_audit(asked("POST", "/v1/jobs", "ci"), given(429), "r"), "");
  EXPECT_NE(format_audit(asked("POST", "/v1/jobs", "ci"), given(403), "r"), "");
}

TEST(audit, is_one_line_of_bounded_length) {
  const std::string path = "/v1/jobs/" + std::string(4000, 'x');
  const auto line = format_audit(asked("DELETE", path, "ci"), given(404), "r");
  EXPECT_LT(line.size(), 400U);
  EXPECT_EQ(line.find("job="), std::string::npos);
}

} // namespace
} // namespace kiln::api

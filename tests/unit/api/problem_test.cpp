// SPDX-License-Identifier: Apache-2.0
#include "api/problem.hpp"

#include <gtest/gtest.h>

#include <cerrno>

namespace kiln::api {
namespace {

TEST(problem, has_a_status_for_each_kind_of_error) {
  EXPECT_EQ(status_of({errc::invalid_input, ""}), 422);
  EXPECT_EQ(status_of({errc::not_found, ""}), 404);
  EXPECT_EQ(status_of({errc::conflict, ""}), 409);
  EXPECT_EQ(status_of({errc::unavailable, ""}), 503);
  EXPECT_EQ(status_of({errc::internal, ""}), 500);
  EXPECT_EQ(status_of(system_error(ENOENT, "open")), 500);
}

TEST(problem, is_rfc_9457_json) {
  const auto body = format_problem(404, "no \"route\"", "/x");
  EXPECT_EQ(body.content_type, "application/problem+json");
  EXPECT_EQ(
      body.text,
      R"({"type":"urn:kiln:problem:not-found","title":"Not found","status":404,"detail":"no \"route\""})");
  EXPECT_EQ(format_problem(599, "", "/x").text,
            R"({"type":"urn:kiln:problem:internal","title":"Internal error","status":599})");
}

TEST(problem, is_text_for_the_tutorials_clients) {
  EXPECT_EQ(format_problem(413, "at most 5 bytes", "/job").text, "Content too large: at most 5 bytes");
  EXPECT_EQ(format_problem(405, "", "/job/1").text, "Method not allowed");
  EXPECT_EQ(format_problem(405, "", "/job/1").content_type, "text/plain; charset=utf-8");
  EXPECT_EQ(format_problem(404, "", "/jobs").content_type, "application/problem+json");
}

} // namespace
} // namespace kiln::api

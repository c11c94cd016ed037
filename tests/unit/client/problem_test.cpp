// SPDX-License-Identifier: Apache-2.0
#include "client/exit_status.hpp"
#include "client/problem.hpp"

#include <gtest/gtest.h>

namespace kiln::client {
namespace {

server somewhere(const char* token = "") {
  auto made = *parse_server("http://127.0.0.1:3000");
  made.token = token;
  return made;
}

bool says(const error& e, std::string_view text) {
  return e.message.find(text) != std::string::npos;
}

TEST(problem, each_field_is_named) {
  const answer a{.status = 422,
                 .fields = {{"x-request-id", "r-7"}},
                 .body = R"({"detail":"x","errors":[{"pointer":"/frames","detail":"is wrong"},
                            {"pointer":"/samples","detail":"is too small"}]})"};
  const auto e = explain(a, somewhere(), "the job");
  EXPECT_EQ(status_of(e), exit_status::refused);
  EXPECT_TRUE(says(e, "the job is refused (422)") && says(e, "/frames is wrong") &&
              says(e, "/samples is too small") && says(e, "r-7"))
      << e.message;
  EXPECT_EQ(field_problems(a).size(), 2U);
  EXPECT_TRUE(field_problems({.status = 409, .body = a.body}).empty());
}

TEST(problem, who_is_not_allowed_learns_what_to_do) {
  const answer a{.status = 401, .body = R"({"detail":"no token"})"};
  EXPECT_EQ(status_of(explain(a, somewhere(), "the job")), exit_status::not_allowed);
  EXPECT_TRUE(says(explain(a, somewhere(), "the job"), "KILN_TOKEN"));
  EXPECT_TRUE(says(explain(a, somewhere("secret"), "the job"), "unknown to this kilnd"));
  EXPECT_FALSE(says(explain(a, somewhere("secret"), "the job"), "secret"));
  const answer b{.status = 403, .body = R"({"detail":"the role submit is needed"})"};
  EXPECT_EQ(status_of(explain(b, somewhere(), "the job")), exit_status::not_allowed);
  EXPECT_TRUE(says(explain(b, somewhere(), "the job"), "the role submit is needed"));
}

TEST(problem, another_server_is_recognized) {
  for (const char* body : {"", "<html>", "[]", "{"})
    EXPECT_TRUE(says(explain({.status = 404, .body = body}, somewhere(), "x"), "is the URL right?")) << body;
}

} // namespace
} // namespace kiln::client

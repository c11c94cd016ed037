// SPDX-License-Identifier: Apache-2.0
#include "http/public_url.hpp"

#include <gtest/gtest.h>

#include <string>

namespace kiln::http {
namespace {

TEST(public_url, is_an_origin_and_perhaps_a_prefix) {
  struct {
    const char* given;
    const char* origin;
    const char* prefix;
    const char* host;
  } const table[]{{"https://farm.example", "https://farm.example", "", "farm.example"},
                  {"https://farm.example/", "https://farm.example", "", "farm.example"},
                  {"HTTPS://Farm.example:8443/kiln", "https://farm.example:8443", "/kiln", "farm.example"},
                  {"http://[2001:db8::7]:81/a/b.c/", "http://[2001:db8::7]:81", "/a/b.c", "[2001:db8::7]"}};
  for (const auto& [given, origin, prefix, host] : table) {
    const auto url = parse_public_url(given);
    ASSERT_TRUE(url) << given;
    EXPECT_EQ(url->origin, origin);
    EXPECT_EQ(url->prefix, prefix);
    EXPECT_EQ(host_of(*url), host);
    EXPECT_EQ(url->text(), std::string{origin} + prefix);
  }
  for (const std::string bad : {"",
                                "/kiln",
                                "kiln",
                                "farm.example",
                                "farm.example/kiln",
                                "*",
                                "ftp://farm.example",
                                "https://",
                                "https:///kiln",
                                "https://farm.example:443",
                                "https://farm.example:x/",
                                "https://u:p@farm.example/",
                                "https://farm.example//",
                                "https://farm.example//kiln",
                                "https://farm.example/a//b",
                                "https://farm.example/..",
                                "https://farm.example/a/../b",
                                "https://farm.example/./a",
                                "https://farm.example/%2e%2e",
                                "https://farm.example/a b",
                                "https://farm.example/a\r\nX: y",
                                "https://farm.example/a?b",
                                "https://farm.example/a#b",
                                "https://farm.example/\"><script>",
                                "https://farm.example/a\\b",
                                "https://a, https://b",
                                "https://farm.example\x01/a"})
    EXPECT_FALSE(parse_public_url(bad)) << bad;
  EXPECT_FALSE(parse_public_url("https://farm.example/" + std::string(200, 'a')));
  EXPECT_FALSE(parse_public_url({"https://farm.example/a\0", 23}));
}

TEST(public_url, links_of_a_text_lead_there) {
  struct {
    const char* text;
    const char* below;
  } const table[]{
      {"", ""},
      {R"({"id":"j1"})", R"({"id":"j1"})"},
      {R"({"links":{"self":"/v1/jobs/j1","log":"/v1/jobs/j1/log"},"x":1})",
       R"({"links":{"self":"/kiln/v1/jobs/j1","log":"/kiln/v1/jobs/j1/log"},"x":1})"},
      {R"({"frames":[{"link":"/v1/a"},{"link":"/v1/b"}]})",
       R"({"frames":[{"link":"/kiln/v1/a"},{"link":"/kiln/v1/b"}]})"},
      {"event: missed\ndata: {\"jobs\":\"/v1/jobs\"}\n\n",
       "event: missed\ndata: {\"jobs\":\"/kiln/v1/jobs\"}\n\n"},
      {R"({"jobs":[{"links":{"self":"/v1/a"}},{"links":{"self":"/v1/b"}}]})",
       R"({"jobs":[{"links":{"self":"/kiln/v1/a"}},{"links":{"self":"/kiln/v1/b"}}]})"},
      // paths and texts of users are no links
      {R"({"blend":"/v1/a.blend","links":{"self":"/v1/a"},"name":"/v1/x"})",
       R"({"blend":"/v1/a.blend","links":{"self":"/kiln/v1/a"},"name":"/v1/x"})"},
      {R"({"name":"\"links\":{\"self\":\"/v1/a\"}","tags":["\"link\":\"/v1/\""]})",
       R"({"name":"\"links\":{\"self\":\"/v1/a\"}","tags":["\"link\":\"/v1/\""]})"},
      {R"({"name":"\\\"link\":\"/v1/"})", R"({"name":"\\\"link\":\"/v1/"})"},
      // not whole
      {R"({"links":{"self":"/v1/a)", R"({"links":{"self":"/kiln/v1/a)"},
      {R"({"links":{)", R"({"links":{)"},
      {R"({"link":")", R"({"link":")"},
  };
  for (const auto& [text, below] : table) {
    EXPECT_EQ(with_links_at("/kiln", text), below);
    EXPECT_EQ(with_links_at("", text), text);
  }
  EXPECT_EQ(with_links_at("https://farm.example/kiln", R"({"links":{"self":"/v1/a"}})"),
            R"({"links":{"self":"https://farm.example/kiln/v1/a"}})");
}

TEST(public_url, an_answer_has_its_new_length) {
  const response from{
      .status = 202,
      .content_type = "application/json; charset=utf-8",
      .body = R"({"links":{"self":"/v1/jobs/j1"}})",
      .fields = {{"Location", "/v1/jobs/j1"}, {"Link", "</v1/jobs?cursor=j1>; rel=\"next\""}}};
  const auto made = answer_below("/kiln", prebuilt{from});
  EXPECT_EQ(made.status(), 202);
  EXPECT_EQ(made.body(), R"({"links":{"self":"/kiln/v1/jobs/j1"}})");
  EXPECT_NE(made.head().find("\r\nLocation: /kiln/v1/jobs/j1\r\n"), std::string::npos) << made.head();
  EXPECT_NE(made.head().find("\r\nLink: </kiln/v1/jobs?cursor=j1>; rel=\"next\"\r\n"), std::string::npos);
  EXPECT_NE(made.head().find("\r\nContent-Length: 37\r\n"), std::string::npos);

  const response plain{.status = 200, .content_type = "text/plain", .body = from.body};
  const auto same = answer_below("/kiln", prebuilt{plain});
  EXPECT_EQ(same.body(), plain.body);
  EXPECT_EQ(same.head(), prebuilt{plain}.head());
  EXPECT_FALSE(has_links(same));
  EXPECT_TRUE(has_links(made));
}

} // namespace
} // namespace kiln::http

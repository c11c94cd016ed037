// SPDX-License-Identifier: Apache-2.0
#include "access/token.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <set>

namespace kiln::access {
namespace {

const std::string hash = "sha256:" + std::string(64, 'a');

TEST(token, a_secret_is_random_and_known_by_its_prefix) {
  std::set<std::string> made;
  for (int i = 0; i < 1000; ++i) {
    const auto secret = new_secret();
    EXPECT_TRUE(secret.starts_with("kiln_"));
    EXPECT_EQ(secret.size(), 45U);
    EXPECT_EQ(secret.find_first_not_of("0123456789abcdef", 5), std::string::npos);
    EXPECT_TRUE(made.insert(secret).second);
  }
}

TEST(token, digests_are_those_of_sha256) {
  // FIPS 180-4, the example of one block
  const auto of_abc = digest_of("abc");
  EXPECT_EQ(of_abc[0], 0xba);
  EXPECT_EQ(of_abc[31], 0xad);
  EXPECT_TRUE(are_equal(of_abc, digest_of("abc")));
  for (std::size_t i = 0; i < of_abc.size(); ++i) {
    auto other = of_abc;
    other[i] ^= 0x80;
    EXPECT_FALSE(are_equal(of_abc, other)) << i;
  }
}

TEST(token, what_is_written_is_read) {
  const std::vector<token> all{
      {"ci", role::submit, "2026-11-24T20:16:22Z", digest_of("a")},
      {"A.b_c-9", role::admin, "2026-01-01T00:00:00Z", digest_of("b")},
      {"e", role::read, "2026-01-01T00:00:00Z", digest_of("c"), parse_date("2027-01-01T00:00:00Z")},
      {"p",
       role::read,
       "2026-01-01T00:00:00Z",
       digest_of("d"),
       std::nullopt,
       {"/", "/srv/a b", "/srv/\u00e9 projects=/x"}},
      {"both",
       role::submit,
       "2026-01-01T00:00:00Z",
       digest_of("e"),
       parse_date("2027-01-01T00:00:00Z"),
       {"/a"}}};
  const auto text = format_tokens(all);
  EXPECT_EQ(*parse_tokens(text), all);
  EXPECT_EQ(text.find("kiln_"), std::string::npos) << "no secret is in it";
  EXPECT_TRUE(parse_tokens(format_tokens({}))->empty());
  EXPECT_TRUE(parse_tokens("")->empty());
  const auto last = text.substr(0, text.size() - 1);
  EXPECT_EQ(*parse_tokens(last), all) << "an editor may leave the last line end out";
}

TEST(token, a_broken_line_is_named) {
  const std::string good = "ci read 2026-11-24T20:16:22Z " + hash;
  ASSERT_TRUE(parse_tokens(good));
  for (const std::string& bad :
       std::vector<std::string>{good + " ",
                                good + " more",
                                " " + good,
                                "ci  read 2026-11-24T20:16:22Z " + hash,
                                good + "\r",
                                "ci",
                                "ci read",
                                "ci read 2026-11-24T20:16:22Z",
                                "ci read 2026-11-24T20:16:22Z sha256:",
                                "ci read 2026-11-24T20:16:22Z " + std::string(64, 'a'),
                                good.substr(0, good.size() - 1),
                                good + "a",
                                good + " expires=",
                                good + " expires=never",
                                good + " expires=2026-02-30T00:00:00Z",
                                good + " expires=2027-01-01T00:00:00Z ",
                                good + " expires=2027-01-01T00:00:00Z expires=2028-01-01T00:00:00Z",
                                good + "  expires=2027-01-01T00:00:00Z",
                                good + " Expires=2027-01-01T00:00:00Z",
                                good + " projects=",
                                good + " projects=/a:",
                                good + " projects=:/a",
                                good + " projects=/a::/b",
                                good + " projects=a",
                                good + " projects=/a\tb",
                                good + " projects=/\xff",
                                good + " projects=/" + std::string(4095, 'a'),
                                good + " projects=/a:b expires=2027-01-01T00:00:00Z",
                                "ci read 2026-11-24T20:16:22Z sha256:" + std::string(64, 'A'),
                                "ci read 2026-11-24T20:16:22Z sha256:" + std::string(64, 'g'),
                                "ci read 2026-11-24T20:16:22Z md5:" + std::string(64, 'a'),
                                "ci none 2026-11-24T20:16:22Z " + hash,
                                "ci root 2026-11-24T20:16:22Z " + hash,
                                "ci READ 2026-11-24T20:16:22Z " + hash,
                                "ci read today " + hash,
                                "ci read 2026-11-24T20:16:22Z\t" + hash,
                                "\xff\xfe read 2026-11-24T20:16:22Z " + hash,
                                std::string("c\0i read 2026-11-24T20:16:22Z ", 30) + hash,
                                "-ci read 2026-11-24T20:16:22Z " + hash,
                                std::string(65, 'x') + " read 2026-11-24T20:16:22Z " + hash,
                                std::string(100'000, 'x'),
                                std::string(" "),
                                std::string(1, '\0')}) {
    const auto read = parse_tokens("# people\n\n" + bad + "\n");
    ASSERT_FALSE(read) << bad.substr(0, 100);
    EXPECT_TRUE(read.error().message.starts_with("line 3: ")) << read.error().message;
    EXPECT_EQ(read.error().code, errc::corrupt);
  }
}

TEST(token, a_name_or_a_secret_stands_once) {
  const std::string time = " read 2026-11-24T20:16:22Z sha256:";
  const auto a = std::string(64, 'a'), b = std::string(64, 'b');
  EXPECT_TRUE(parse_tokens("x" + time + a + "\ny" + time + b));
  EXPECT_FALSE(parse_tokens("x" + time + a + "\nx" + time + b));
  EXPECT_FALSE(parse_tokens("x" + time + a + "\ny" + time + a));
}

TEST(token, there_are_not_too_many) {
  std::string text;
  for (std::size_t i = 0; i < most_tokens; ++i)
    text += fmt::format("t{} read 2026-11-24T20:16:22Z sha256:{:064x}\n", i, i);
  EXPECT_EQ(parse_tokens(text)->size(), most_tokens);
  EXPECT_FALSE(parse_tokens(text + "one read 2026-11-24T20:16:22Z " + hash));
}

TEST(token, names_are_harmless_words) {
  for (const char* good : {"a", "9", "ci", "CI-runner_2.example"})
    EXPECT_TRUE(is_token_name(good)) << good;
  EXPECT_TRUE(is_token_name(std::string(64, 'a')));
  for (const char* bad :
       {"", " ", "a b", "-a", ".a", "_a", "#a", "a=b", "a\n", "a/b", "\xc3\xa9", "a\"", "a:b"})
    EXPECT_FALSE(is_token_name(bad)) << bad;
  EXPECT_FALSE(is_token_name(std::string(65, 'a')));
}

TEST(role, what_can_be_given) {
  for (const auto r : {role::read, role::submit, role::admin})
    EXPECT_EQ(parse_role(to_string(r)), r);
  for (const char* bad : {"", "none", "Read", "root", "read ", "readsubmit"})
    EXPECT_FALSE(parse_role(bad)) << bad;
  EXPECT_LT(role::none, role::read);
  EXPECT_LT(role::read, role::submit);
  EXPECT_LT(role::submit, role::admin);
}

} // namespace
} // namespace kiln::access

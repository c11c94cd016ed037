// SPDX-License-Identifier: Apache-2.0
#include "api/built_in.hpp"
#include "digest/sha256.hpp"

#include <gmock/gmock.h>

#include <vector>

namespace kiln::api {
namespace {

http::request with(const std::vector<http::field>& fields) {
  http::request made{};
  made.fields = fields;
  return made;
}

bool takes_gzip_of(std::string_view accept_encoding) {
  const std::vector<http::field> fields{{"Accept-Encoding", accept_encoding}};
  return takes_gzip(with(fields));
}

TEST(built_in, files_unpack_to_what_their_digest_says) {
  EXPECT_GE(built_ins.size(), 5U);
  for (const auto& each : built_ins) {
    EXPECT_EQ(digest::sha256(unpack(each)), each.digest) << each.name;
    EXPECT_EQ(find_built_in(each.name), &each);
  }
  EXPECT_EQ(find_built_in("index"), nullptr);
  EXPECT_EQ(find_built_in("zzz"), nullptr);
}

TEST(built_in, gzip_is_for_those_who_take_it) {
  EXPECT_TRUE(takes_gzip_of("gzip, deflate, br"));
  EXPECT_TRUE(takes_gzip_of("br;q=1.0, GZip;q=0.8"));
  EXPECT_FALSE(takes_gzip_of(""));
  EXPECT_FALSE(takes_gzip_of("br, zstd"));
  EXPECT_FALSE(takes_gzip_of("gzip;q=0, br"));
  EXPECT_FALSE(takes_gzip_of("gzip; q=0.000"));
  EXPECT_TRUE(takes_gzip_of("gzip; q=0.5"));
  EXPECT_FALSE(takes_gzip(with({})));
}

TEST(built_in, an_answer_is_packed_or_not_and_each_has_its_validator) {
  const auto& file = *find_built_in("openapi.json");
  const std::vector<http::field> packed{{"Accept-Encoding", "gzip"}};
  const auto plain = built_in_answer(with({}), {}, file), small = built_in_answer(with(packed), {}, file);
  EXPECT_EQ(plain.body, unpack(file));
  EXPECT_EQ(small.body, file.packed);
  const auto etag_of = [](const http::response& of) {
    for (const auto& [name, value] : of.fields)
      if (name == "ETag")
        return value;
    return std::string{};
  };
  EXPECT_NE(etag_of(plain), etag_of(small));
  const auto etag = etag_of(small);
  const std::vector<http::field> again{{"Accept-Encoding", "gzip"}, {"If-None-Match", etag}};
  EXPECT_EQ(built_in_answer(with(again), {}, file).status, 304);
  const std::vector<http::field> other{{"If-None-Match", etag}};
  EXPECT_EQ(built_in_answer(with(other), {}, file).status, 200);
}

} // namespace
} // namespace kiln::api

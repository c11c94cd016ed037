// SPDX-License-Identifier: Apache-2.0
#include "http/conditional.hpp"

#include <gtest/gtest.h>

namespace kiln::http {
namespace {

using std::chrono::seconds;
using std::chrono::sys_seconds;

const validators strong{.etag = "\"abc\"",
                        .modified = sys_seconds{seconds{1'000'000'000}}}; // 2001-09-09 01:46:40
const validators weak{.etag = "W/\"7\""};

/// The choice for a request with these fields.
range_choice range_of(std::vector<field> fields, std::uint64_t size = 1000) {
  request asked;
  asked.fields = fields;
  return choose_range(asked, strong, size);
}

bool unchanged(std::vector<field> fields, const validators& now) {
  request asked;
  asked.fields = fields;
  return is_not_modified(asked, now);
}

TEST(conditional, a_range_is_a_part) {
  struct row {
    const char* range;
    std::uint64_t offset, length;
  };
  for (const auto& [range, offset, length] :
       {row{"bytes=0-0", 0, 1}, row{"bytes=0-999", 0, 1000}, row{"bytes=0-5000", 0, 1000},
        row{"bytes=999-", 999, 1}, row{"bytes=10-19", 10, 10}, row{"bytes=-5", 995, 5},
        row{"bytes=-5000", 0, 1000}, row{"BYTES=1-1", 1, 1}, row{" bytes= 1-1 ", 1, 1},
        row{"bytes=1-18446744073709551615", 1, 999}}) {
    const auto chosen = range_of({{"Range", range}});
    EXPECT_EQ(chosen.kind, range_kind::part) << range;
    EXPECT_EQ(chosen.part.offset, offset) << range;
    EXPECT_EQ(chosen.part.length, length) << range;
  }
}

TEST(conditional, what_is_no_single_range_of_bytes_is_the_whole) {
  for (const char* range :
       {"", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=5-4", "bytes=0-1,5-6", "items=0-1",
        "bytes=0x1-2", "bytes=+1-2", "bytes=1-2-3", "bytes=--5", "bytes=1 -2", "bytes=0-18446744073709551616",
        "bytes=18446744073709551616-", "bytes=1"})
    EXPECT_EQ(range_of({{"Range", range}}).kind, range_kind::whole) << range;
}

TEST(conditional, a_range_behind_the_end_cannot_be_had) {
  for (const char* range : {"bytes=1000-", "bytes=1000-1001", "bytes=-0", "bytes=18446744073709551615-"})
    EXPECT_EQ(range_of({{"Range", range}}).kind, range_kind::unsatisfiable) << range;
  EXPECT_EQ(range_of({{"Range", "bytes=0-0"}}, 0).kind, range_kind::unsatisfiable);
  EXPECT_EQ(range_of({{"Range", "bytes=-1"}}, 0).kind, range_kind::unsatisfiable);
}

TEST(conditional, a_range_of_another_state_is_the_whole) {
  const auto with = [](const char* if_range) {
    return range_of({{"Range", "bytes=0-1"}, {"If-Range", if_range}}).kind;
  };
  EXPECT_EQ(with("\"abc\""), range_kind::part);
  EXPECT_EQ(with("Sun, 09 Sep 2001 01:46:40 GMT"), range_kind::part);
  for (const char* other : {"\"abd\"", "W/\"abc\"", "abc", "", "Sun, 09 Sep 2001 01:46:41 GMT"})
    EXPECT_EQ(with(other), range_kind::whole) << other;
}

TEST(conditional, a_known_etag_is_not_sent_again) {
  for (const char* same :
       {"\"abc\"", "W/\"abc\"", "*", " * ", "\"x\", \"abc\"", "\"a,b\",\"abc\"", ",, \"abc\""})
    EXPECT_TRUE(unchanged({{"If-None-Match", same}}, strong)) << same;
  for (const char* other : {"", "\"ab\"", "abc", "\"abc", "\"x,\"abc\"", "W/\"7\"", ","})
    EXPECT_FALSE(unchanged({{"If-None-Match", other}}, strong)) << other;
  EXPECT_TRUE(unchanged({{"If-None-Match", "\"7\""}}, weak));
  EXPECT_FALSE(unchanged({{"If-None-Match", "W/\"8\""}}, weak));
}

TEST(conditional, times_count_where_no_etag_is_named) {
  const char* same = "Sun, 09 Sep 2001 01:46:40 GMT";
  EXPECT_TRUE(unchanged({{"If-Modified-Since", same}}, strong));
  EXPECT_FALSE(unchanged({{"If-Modified-Since", "Sun, 09 Sep 2001 01:46:39 GMT"}}, strong));
  EXPECT_FALSE(unchanged({{"If-Modified-Since", same}, {"If-None-Match", "\"x\""}}, strong));
  EXPECT_FALSE(unchanged({{"If-Modified-Since", "yesterday"}}, strong));
  EXPECT_FALSE(unchanged({{"If-Modified-Since", same}}, weak)) << "it has no time";
}

TEST(conditional, dates_are_read_in_the_three_forms) {
  const sys_seconds t{seconds{784111777}};
  EXPECT_EQ(format_http_date(t), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(format_http_date(std::chrono::sys_seconds{std::chrono::seconds{253'402'300'799}}),
            "Fri, 31 Dec 9999 23:59:59 GMT");
  for (const char* text :
       {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"})
    EXPECT_EQ(parse_http_date(text), t) << text;
  for (const char* text :
       {"", "now", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 GMT x", "784111777"})
    EXPECT_FALSE(parse_http_date(text)) << text;
}

TEST(conditional, select_writes_the_head) {
  std::vector<field> fields{{"Range", "bytes=2-"}};
  request asked;
  asked.fields = fields;
  response head{.status = 200, .content_type = "image/png", .body = {}};
  const auto part = select(asked, strong, 10, head);
  ASSERT_TRUE(part);
  EXPECT_EQ(part->offset, 2U);
  EXPECT_EQ(part->length, 8U);
  EXPECT_EQ(head.status, 206);
  EXPECT_EQ(head.fields.back().second, "bytes 2-9/10");
  fields = {{"Range", "bytes=10-"}};
  asked.fields = fields;
  response none{.status = 200, .content_type = "image/png", .body = {}};
  EXPECT_FALSE(select(asked, strong, 10, none));
  EXPECT_EQ(none.status, 416);
  EXPECT_EQ(none.fields.back().second, "bytes */10");
}

} // namespace
} // namespace kiln::http

// SPDX-License-Identifier: Apache-2.0
#include "client/patience.hpp"

#include <gtest/gtest.h>

namespace kiln::client {
namespace {

using std::chrono::seconds;

answer saying(int status, const char* retry_after = nullptr) {
  answer out{.status = status};
  if (retry_after)
    out.fields.emplace_back("retry-after", retry_after);
  return out;
}

TEST(patience, later_is_when_the_server_says) {
  patience left{seconds{100}};
  EXPECT_EQ(left.after(saying(503, "7"), seconds{0}), seconds{7});
  EXPECT_EQ(left.after(saying(429, "0"), seconds{7}), seconds{1});
  EXPECT_EQ(left.after(saying(409, "2"), seconds{0}), seconds{2});
  EXPECT_EQ(left.after(saying(503, "93"), seconds{8}), std::nullopt) << "longer than it may take";
  for (const int final_status : {200, 202, 304, 400, 401, 404, 409, 422, 500})
    EXPECT_EQ(left.after(saying(final_status), seconds{0}), std::nullopt) << final_status;
}

TEST(patience, silence_is_waited_for_longer_each_time_and_not_for_ever) {
  patience left{seconds{40}};
  EXPECT_EQ(left.after_silence(seconds{0}), seconds{1});
  EXPECT_EQ(left.after(saying(503, "Sat, 28 Nov 2026 03:00:00 GMT"), seconds{1}), seconds{2}) << "a date";
  EXPECT_EQ(left.after(saying(502), seconds{3}), seconds{4});
  EXPECT_EQ(left.after_silence(seconds{7}), seconds{8});
  EXPECT_EQ(left.after_silence(seconds{15}), seconds{15});
  EXPECT_EQ(left.after_silence(seconds{25}), seconds{15});
  EXPECT_EQ(left.after_silence(seconds{30}), std::nullopt);
}

TEST(patience, retry_after) {
  EXPECT_EQ(retry_after_of(saying(200, "12")), seconds{12});
  EXPECT_EQ(retry_after_of(saying(200)), std::nullopt);
  EXPECT_EQ(retry_after_of(saying(200, "-1")), std::nullopt);
  EXPECT_EQ(retry_after_of(saying(200, "999999999999")), seconds{86400});
}

} // namespace
} // namespace kiln::client

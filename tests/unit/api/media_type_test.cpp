// SPDX-License-Identifier: Apache-2.0
#include "api/media_type.hpp"

#include <gtest/gtest.h>

namespace kiln::api {
namespace {

TEST(is_json, table) {
  for (const char* type : {"application/json", "Application/JSON", "application/json ", "application/json;",
                           "application/json; charset=utf-8", "application/json;charset=UTF-8",
                           "application/json; charset=\"utf-8\""})
    EXPECT_TRUE(is_json(type)) << type;
  for (const char* type :
       {"", "json", "text/json", "text/plain", "application/jsonx", "application/json, text/plain",
        "application/json; charset=latin1", "application/json; q=1", "application/problem+json"})
    EXPECT_FALSE(is_json(type)) << type;
  EXPECT_FALSE(is_json(std::nullopt));
}

} // namespace
} // namespace kiln::api

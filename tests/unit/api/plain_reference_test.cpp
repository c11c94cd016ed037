// SPDX-License-Identifier: Apache-2.0
#include "api/built_in.hpp"
#include "api/plain_reference.hpp"

#include <gmock/gmock.h>

namespace kiln::api {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(plain_reference, lists_operations_and_nothing_else_of_a_path) {
  const auto page = plain_reference(
      R"({"paths":{"/a/{id}":{"parameters":[{"name":"id"}],"get":{"summary":"Read","description":"All of it."},"delete":{}}}})");
  EXPECT_THAT(page, HasSubstr("<td>GET</td><td><code>/a/{id}</code></td><td><b>Read.</b> All of it.</td>"));
  EXPECT_THAT(page, HasSubstr("<td>DELETE</td>"));
  EXPECT_THAT(page, Not(HasSubstr("PARAMETERS")));
}

TEST(plain_reference, texts_stay_texts) {
  const auto page = plain_reference(R"({"paths":{"/<b>":{"get":{"summary":"a & \"b\" <script>"}}}})");
  EXPECT_THAT(page, HasSubstr("/&lt;b&gt;"));
  EXPECT_THAT(page, HasSubstr("a &amp; &quot;b&quot; &lt;script&gt;"));
  EXPECT_THAT(page, Not(HasSubstr("<script")));
}

TEST(plain_reference, takes_what_is_built_in) {
  EXPECT_THAT(plain_reference(unpack(*find_built_in("openapi.json"))),
              HasSubstr("<code>/v1/jobs/{id}/frames/{frame}</code>"));
}

} // namespace
} // namespace kiln::api

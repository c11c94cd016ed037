// SPDX-License-Identifier: Apache-2.0
#include "client/exit_status.hpp"
#include "client/job_spec.hpp"

#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

namespace kiln::client {
namespace {

std::string made(job_words words) {
  const auto job = make_job(words);
  return job ? boost::json::serialize(*job) : job.error().message;
}

TEST(job_spec, words_become_fields) {
  EXPECT_EQ(made({.frames = "1-3"}), R"({"frames":"1-3"})");
  EXPECT_EQ(made({}), "{}");
  EXPECT_EQ(made({.frames = "1-3", .name = "shot", .tags = {"a", "b"}, .priority = -5}),
            R"({"frames":"1-3","name":"shot","tags":["a","b"],"priority":-5})");
  EXPECT_EQ(made({.frames = "1",
                  .settings = {"samples=64", "resolution=1920x1080", "strict=true", "camera=12",
                               "engine=CYCLES", "processes=auto", "process=own"}}),
            R"({"samples":64,"resolution":[1920,1080],"strict":true,"camera":"12","engine":"CYCLES",)"
            R"("processes":"auto","process":"own","frames":"1"})");
  EXPECT_EQ(made({.frames = "1", .settings = {"resolution=[64,36]", "name=a=b"}}),
            R"({"resolution":[64,36],"name":"a=b","frames":"1"})");
}

TEST(job_spec, what_kilnd_would_refuse_is_not_sent) {
  for (const auto& setting : {"samples", "=1", "blend=x", "frames=1", "sample=1", "samples=many", "strict=3",
                              "resolution=1920", "samples=1.5"}) {
    const auto job = make_job({.frames = "1", .settings = {setting}});
    ASSERT_FALSE(job) << setting;
    EXPECT_EQ(status_of(job.error()), exit_status::usage) << setting;
  }
  EXPECT_NE(made({.frames = "9-1"}).find("frames"), std::string::npos);
  EXPECT_NE(made({.frames = "1", .settings = {"sample=1"}}).find("sample there is no such field"),
            std::string::npos);
}

} // namespace
} // namespace kiln::client

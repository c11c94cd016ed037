// SPDX-License-Identifier: Apache-2.0
#include "http/router.hpp"

#include <gtest/gtest.h>

namespace kiln::http {
namespace {

router routes() {
  router r;
  r.add("POST", "/job", 0);
  r.add("GET", "/job/{id}", 1);
  r.add("GET", "/v1/jobs/{id}/frames", 2);
  r.add("GET", "/livez", 3);
  r.add("DELETE", "/job/{id}", 4);
  return r;
}

TEST(router, finds_the_handler) {
  EXPECT_EQ(routes().find("POST", "/job").handler, 0U);
  EXPECT_EQ(routes().find("GET", "/livez").handler, 3U);
  EXPECT_EQ(routes().find("HEAD", "/livez").handler, 3U) << "GET serves HEAD";
}

TEST(router, captures_one_segment) {
  const auto r = routes();
  const auto job = r.find("GET", "/job/17");
  EXPECT_EQ(job.handler, 1U);
  EXPECT_EQ(job.captured[0], "17");
  const auto frames = r.find("GET", "/v1/jobs/j1/frames");
  EXPECT_EQ(frames.handler, 2U);
  EXPECT_EQ(frames.captured[0], "j1");
  EXPECT_EQ(r.find("GET", "/job/..").captured[0], "..") << "it is a name, and never a path";
}

TEST(router, captures_a_second_segment) {
  auto r = routes();
  r.add("GET", "/v1/jobs/{id}/frames/{frame}", 5);
  const auto frame = r.find("GET", "/v1/jobs/j1/frames/7");
  EXPECT_EQ(frame.handler, 5U);
  EXPECT_EQ(frame.captured[0], "j1");
  EXPECT_EQ(frame.captured[1], "7");
  EXPECT_FALSE(r.find("GET", "/v1/jobs/j1/frames/").handler);
  EXPECT_FALSE(r.find("GET", "/v1/jobs/j1/frames/7/8").handler);
  EXPECT_FALSE(r.find("GET", "/v1/jobs//frames/7").handler);
}

TEST(router, what_is_not_there) {
  for (const char* path :
       {"", "/", "/job/", "/job/1/2", "/jobs", "/v1/jobs//frames", "/v1/jobs/frames", "/livez/", "/LIVEZ"}) {
    const auto found = routes().find("GET", path);
    EXPECT_FALSE(found.handler) << path;
    EXPECT_EQ(found.allow, "") << path;
  }
}

TEST(router, what_is_there_for_other_methods) {
  EXPECT_EQ(routes().find("GET", "/job").allow, "POST, OPTIONS");
  EXPECT_EQ(routes().find("PUT", "/job/1").allow, "GET, DELETE, HEAD, OPTIONS");
  EXPECT_FALSE(routes().find("HEAD", "/job").handler);
}

} // namespace
} // namespace kiln::http

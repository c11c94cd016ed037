// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.hpp"
#include "blender/session_protocol.hpp"

#include <gtest/gtest.h>

namespace kiln::blender {
namespace {

namespace said = session_said;

TEST(session_protocol, what_is_asked) {
  session_order order;
  order.blend = "/a b/\"c\".blend";
  order.settings.engine = "CYCLES";
  order.workspace = "/w";
  order.frames = {1, 2, 3, 7, 9, 11, 4};
  order.open = true;
  order.job_frames = *domain::frame_set::range(1, 11);
  EXPECT_EQ(format_begin(order),
            R"({"do":"begin","blend":"/a b/\"c\".blend","settings":{"engine":"CYCLES"},"strict":false,)"
            R"("job_frames":[[1,11,1]],"workspace":"/w","frames":[[1,3,1],[7,11,2],[4,4,1]],"open":true})");
  EXPECT_EQ(format_more_frames({}, false), R"({"do":"frames","frames":[],"open":false})");
  EXPECT_EQ(format_more_frames({5, 3, 1}, true),
            R"({"do":"frames","frames":[[5,5,1],[3,3,1],[1,1,1]],"open":true})");
}

TEST(session_protocol, all_frames_of_a_job_fit_into_a_message) {
  session_order order;
  for (int frame = 0; frame <= domain::max_frame; ++frame)
    order.frames.push_back(frame);
  EXPECT_LT(format_begin(order).size(), 300U);
}

TEST(session_protocol, what_is_said) {
  const auto saved =
      std::get<said::frame_saved>(*parse_session_event(R"({"frame": 7, "memory": 1000, "said": "saved"})"));
  EXPECT_EQ(saved.frame, 7);
  EXPECT_EQ(saved.memory, 1000U);
  const auto ended = std::get<said::ended>(
      *parse_session_event(R"({"said":"ended","status":1,"reason":"Traceback","memory":5})"));
  EXPECT_EQ(ended.status, said::ended::how::failed);
  EXPECT_EQ(ended.reason, "Traceback");
  EXPECT_TRUE(std::get<said::loaded>(*parse_session_event(R"({"said":"loaded","seconds":0.5,"reused":true})"))
                  .reused);
  EXPECT_TRUE(
      std::holds_alternative<said::ready>(*parse_session_event(R"({"said":"ready","version":"3.4.1"})")));
}

TEST(session_protocol, anything_else_is_corrupt) {
  for (const char* hostile :
       {"", "x", "[]", "{}", "null", R"({"said":7})", R"({"said":"saved"})", R"({"said":"frame","frame":-1})",
        R"({"said":"frame","frame":1048575})", R"({"said":"frame","frame":1e300})",
        R"({"said":"ended","status":3})", R"({"said":"ended","status":"0"})",
        R"({"said":"loaded","seconds":1e999,"reused":true})",
        R"({"said":"loaded","seconds":"1","reused":true})", R"({"said":"saved","frame":1}x)", "\xff\xfe"}) {
    const auto event = parse_session_event(hostile);
    ASSERT_FALSE(event) << hostile;
    EXPECT_EQ(event.error().code, errc::corrupt);
  }
  EXPECT_LT(parse_session_event(std::string(100'000, '[')).error().message.size(), 300U);
  for (const auto* bytes : {"\xff\xfe", "{\"said\":\"\xc3\"}", "a\n\xe6\x97"})
    EXPECT_EQ(parse_session_event(bytes).error().message, as_utf8(parse_session_event(bytes).error().message))
        << "it comes into answers";
}

TEST(session_protocol, arguments_of_a_session) {
  EXPECT_EQ(format_session_arguments("/o/.kiln/session-1/kiln_session.py", 3),
            (std::vector<std::string>{"-b", "-noaudio", "--log", "render", "--log-level", "0", "-Y",
                                      "--python-exit-code", "97", "-t", "3", "-P",
                                      "/o/.kiln/session-1/kiln_session.py"}));
}

} // namespace
} // namespace kiln::blender

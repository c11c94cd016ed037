// SPDX-License-Identifier: Apache-2.0
#include "http/trace_context.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace kiln::http {
namespace {

constexpr std::string_view trace = "4bf92f3577b34da6a3ce929d0e0e4736";
constexpr std::string_view whole = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

TEST(trace_context, takes_what_the_specification_shows) {
  EXPECT_EQ(parse_trace_id(whole), trace);
  EXPECT_EQ(parse_trace_id("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"), trace);
}

TEST(trace_context, a_later_version_may_say_more) {
  EXPECT_EQ(parse_trace_id("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"), trace);
  EXPECT_EQ(parse_trace_id("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more"), trace);
  EXPECT_EQ(parse_trace_id("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01."), "");
}

TEST(trace_context, refuses_what_a_receiver_must_not_use) {
  for (const std::string_view wrong : {
           "",
           "00",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
           "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
           "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
           "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
           "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
           "0x-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0g",
           "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
           "00-4bf92f3577b34da6a3ce929d0e0e4736 00f067aa0ba902b7-01",
       })
    EXPECT_EQ(parse_trace_id(wrong), "") << wrong;
}

TEST(trace_context, of_two_fields_none_counts) {
  request asked;
  std::array fields{field{"Host", "localhost"}, field{"Traceparent", whole}, field{"traceparent", whole}};
  asked.fields = std::span{fields}.first(2);
  EXPECT_EQ(trace_id_of(asked), trace);
  asked.fields = fields;
  EXPECT_EQ(trace_id_of(asked), "");
  asked.fields = std::span{fields}.first(1);
  EXPECT_EQ(trace_id_of(asked), "");
}

} // namespace
} // namespace kiln::http

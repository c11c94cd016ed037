// SPDX-License-Identifier: Apache-2.0
#include "http/places.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace kiln::http {
namespace {

constexpr std::uint64_t here = 1, there = 2;

TEST(places, there_are_so_many_and_no_more) {
  places p{{.served = 3, .served_per_address = 2, .waiting = 3, .waiting_per_address = 2}};
  auto a = p.take(here);
  auto b = p.take(here);
  EXPECT_TRUE(a && b);
  EXPECT_FALSE(p.take(here)) << "of one address";
  const auto c = p.take(there);
  EXPECT_TRUE(c);
  EXPECT_FALSE(p.take(there)) << "in all";
  a.reset();
  EXPECT_TRUE(p.take(there)) << "whoever goes makes room";
}

TEST(places, who_waits_is_counted_apart) {
  places p{{.served = 1, .served_per_address = 1, .waiting = 2, .waiting_per_address = 1}};
  auto a = p.take(here);
  EXPECT_TRUE(a->begin_waiting());
  EXPECT_TRUE(a->begin_waiting()) << "it waits already";
  const auto b = p.take(here);
  ASSERT_TRUE(b) << "the place it was served at is free";
  EXPECT_FALSE(b->begin_waiting()) << "one of this address waits";
  a->end_waiting();
  a->end_waiting();
  EXPECT_FALSE(p.take(there)) << "both are served now, though there is room for one";
  EXPECT_TRUE(b->begin_waiting());
  a.reset();
  EXPECT_TRUE(p.take(there));
}

TEST(places, a_proxys_connection_is_that_of_its_client) {
  places p{{.served = 4, .served_per_address = 1, .waiting = 4, .waiting_per_address = 1}};
  const auto a = p.take(std::nullopt), b = p.take(std::nullopt), c = p.take(std::nullopt);
  ASSERT_TRUE(a && b && c) << "the limit of one address is not that of a proxy";
  EXPECT_TRUE(a->assign(here));
  EXPECT_FALSE(b->assign(here)) << "of one client";
  EXPECT_FALSE(p.take(here)) << "whichever way it comes";
  EXPECT_TRUE(b->assign(there));
  EXPECT_TRUE(b->begin_waiting());
  EXPECT_TRUE(c->assign(there)) << "one of its two waits";
  EXPECT_FALSE(c->begin_waiting());
  b->unassign();
  EXPECT_TRUE(c->begin_waiting());
  EXPECT_EQ(p.all().served, 2U);
  EXPECT_TRUE(b->begin_waiting()) << "of the proxy itself";
  a->unassign();
  a->unassign();
  EXPECT_TRUE(p.take(here));
  EXPECT_TRUE(p.take(std::nullopt) && p.take(std::nullopt));
}

TEST(places, leaving_while_waiting_frees_all) {
  places p{{.served = 1, .served_per_address = 1, .waiting = 1, .waiting_per_address = 1}};
  for (int i = 0; i < 3; ++i) {
    const auto a = p.take(here);
    ASSERT_TRUE(a);
    EXPECT_TRUE(a->begin_waiting());
  }
}

} // namespace
} // namespace kiln::http

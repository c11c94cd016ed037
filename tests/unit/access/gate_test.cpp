// SPDX-License-Identifier: Apache-2.0
#include "access/gate.hpp"

#include <gtest/gtest.h>

namespace kiln::access {
namespace {

using namespace std::chrono_literals;
using kind = decision::kind;

const time_point start{1000h};
const rate no_limit{};
const rate few_failures{.per_second = 1, .burst = 3};

std::vector<token> tokens() {
  return {{"r", role::read, "", digest_of("kiln_r")},
          {"s", role::submit, "", digest_of("kiln_s")},
          {"a", role::admin, "", digest_of("kiln_a")}};
}

question with(std::string_view authorization, role needed, std::uint64_t network = 1) {
  return {.authorization = authorization, .network = network, .needed = needed};
}

TEST(gate, without_tokens_everybody_may_everything) {
  gate g(no_limit, few_failures);
  for (const auto& authorization :
       {std::optional<std::string_view>{}, std::optional<std::string_view>{"Bearer x"}}) {
    const auto d = g.decide({.authorization = authorization, .network = 1, .needed = role::admin}, start);
    EXPECT_EQ(d.what, kind::admitted);
    EXPECT_EQ(d.who->rank, role::admin);
    EXPECT_EQ(d.who->name, "");
    EXPECT_FALSE(d.left);
  }
  EXPECT_FALSE(g.has_tokens());
}

TEST(gate, each_role_may_what_those_below_it_may) {
  gate g(no_limit, few_failures);
  g.use(tokens());
  const struct {
    std::optional<std::string_view> authorization;
    role rank;
  } visitors[] = {{std::nullopt, role::none},
                  {"Bearer kiln_r", role::read},
                  {"Bearer kiln_s", role::submit},
                  {"Bearer kiln_a", role::admin}};
  for (const auto& v : visitors)
    for (const auto needed : {role::none, role::read, role::submit, role::admin}) {
      const auto d = g.decide({.authorization = v.authorization, .network = 1, .needed = needed}, start);
      const auto expected = v.rank >= needed       ? kind::admitted
                            : v.rank == role::none ? kind::unknown
                                                   : kind::forbidden;
      EXPECT_EQ(d.what, expected) << v.authorization.value_or("nothing") << " " << to_string(needed);
    }
  EXPECT_EQ(g.decide(with("Bearer kiln_s", role::read), start).who->name, "s");
}

TEST(gate, a_token_is_read_as_rfc_6750_has_it_and_nothing_else) {
  gate g(no_limit, {.per_second = 1000, .burst = 1000});
  g.use(tokens());
  for (const char* good : {"Bearer kiln_r", "bearer kiln_r", "BEARER kiln_r", "Bearer   kiln_r"})
    EXPECT_EQ(g.decide(with(good, role::read), start).what, kind::admitted) << good;
  for (const char* bad :
       {"", "Bearer", "Bearer ", "kiln_r", "Basic kiln_r", "Bearerkiln_r", "Bearer\tkiln_r", "Bearer kiln_r ",
        "Bearer kiln_R", "Bearer kiln_", "Bearer kiln_rr", "Bearer \"kiln_r\"", "Bearer kiln_r,kiln_a",
        "Bearer kiln_r Bearer kiln_a", "Token kiln_r", "Bearer sha256:00"}) {
    const auto d = g.decide(with(bad, role::read), start);
    EXPECT_EQ(d.what, kind::unknown) << bad;
    EXPECT_TRUE(d.wrong_token) << bad;
    EXPECT_EQ(d.who, nullptr) << bad;
  }
  EXPECT_EQ(g.decide(with("Bearer " + std::string(7000, 'x'), role::read), start).what, kind::unknown);
}

TEST(gate, without_a_single_token_nobody_is_let_in) {
  gate g(no_limit, few_failures);
  g.use({});
  EXPECT_TRUE(g.has_tokens());
  EXPECT_EQ(g.decide({.needed = role::read}, start).what, kind::unknown);
  EXPECT_EQ(g.decide({.needed = role::none}, start).what, kind::admitted);
}

TEST(gate, wrong_tokens_of_a_network_are_limited_and_right_ones_are_not) {
  gate g(no_limit, few_failures);
  g.use(tokens());
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(g.decide(with("Bearer no", role::read), start).what, kind::unknown);
  const auto refused = g.decide(with("Bearer no", role::read), start);
  EXPECT_EQ(refused.what, kind::too_often);
  EXPECT_NEAR(refused.left->wait, 1, 1e-6);
  EXPECT_EQ(g.decide(with("Bearer no", role::none), start).what, kind::admitted) << "as a stranger";
  EXPECT_FALSE(g.decide(with("Bearer no", role::none), start).wrong_token) << "and nobody has looked at it";
  EXPECT_EQ(g.decide(with("Bearer kiln_r", role::read), start).what, kind::admitted);
  EXPECT_EQ(g.decide(with("Bearer other", role::read, 2), start).what, kind::unknown);
  EXPECT_EQ(g.decide({.network = 1, .needed = role::read}, start).what, kind::unknown) << "that was no guess";
  EXPECT_EQ(g.decide(with("Bearer no", role::read), start + 1s).what, kind::unknown);
}

TEST(gate, wrong_tokens_are_limited_over_neighbouring_addresses_as_well) {
  constexpr std::uint64_t v4 = 0x7f000100, v6 = 0x20010db800010000;
  for (const auto& [first, far] : {std::pair{v4, v4 + 256}, std::pair{v6, v6 + 65536}}) {
    gate g(no_limit, few_failures);
    g.use(tokens());
    const auto guess = [&g](std::uint64_t network, std::string secret) {
      return g.decide(with("Bearer " + secret, role::read, network), start).what;
    };
    int number = 0;
    for (; number < 6; ++number)
      EXPECT_EQ(guess(first + static_cast<std::uint64_t>(number), std::to_string(number)), kind::unknown);
    EXPECT_EQ(guess(first + 6, "6"), kind::too_often);
    EXPECT_EQ(guess(far, "7"), kind::unknown);
  }
}

TEST(gate, wrong_tokens_of_one_beginning_are_limited_wherever_they_come_from) {
  gate g(no_limit, few_failures);
  g.use(tokens());
  const auto guess = [&g](std::uint64_t network, const char* authorization) {
    return g.decide(with(authorization, role::read, network << 16), start).what;
  };
  for (const auto network : {1, 2, 3})
    EXPECT_EQ(guess(static_cast<std::uint64_t>(network), "Bearer kiln_12345678x"), kind::unknown);
  EXPECT_EQ(guess(4, "Bearer kiln_12345678y"), kind::too_often);
  EXPECT_EQ(guess(5, "Bearer kiln_123456z"), kind::unknown);
}

TEST(gate, requests_are_limited_by_token_and_those_of_strangers_by_network) {
  gate g({.per_second = 1, .burst = 2}, few_failures);
  g.use(tokens());
  for (std::uint64_t network : {1, 2})
    EXPECT_EQ(g.decide(with("Bearer kiln_r", role::read, network), start).what, kind::admitted);
  EXPECT_EQ(g.decide(with("Bearer kiln_r", role::read, 3), start).what, kind::too_often);
  EXPECT_EQ(g.decide(with("Bearer kiln_s", role::read, 3), start).what, kind::admitted);
  EXPECT_EQ(g.decide(with("Bearer kiln_r", role::admin, 3), start).what, kind::too_often);
  EXPECT_EQ(g.decide({.network = 4, .needed = role::none}, start).left->remaining, 1);
  EXPECT_EQ(g.decide({.network = 4, .needed = role::none}, start).what, kind::admitted);
  EXPECT_EQ(g.decide({.network = 4, .needed = role::none}, start).what, kind::too_often);
  EXPECT_EQ(g.decide({.network = 5, .needed = role::none}, start).what, kind::admitted);
}

TEST(gate, what_is_read_anew_holds_at_once) {
  gate g({.per_second = 1, .burst = 2}, few_failures);
  g.use(tokens());
  const auto before = g.decide(with("Bearer kiln_s", role::submit), start).who;
  auto changed = tokens();
  changed[0].rank = role::admin;           // r
  changed[2].hash = digest_of("kiln_new"); // a
  g.use(changed);
  EXPECT_TRUE(g.knows(*before, {}));
  EXPECT_FALSE(g.knows({"r", role::read}, {}));
  EXPECT_TRUE(g.knows({"r", role::admin}, {}));
  EXPECT_EQ(g.decide(with("Bearer kiln_r", role::admin), start).what, kind::admitted);
  EXPECT_EQ(g.decide(with("Bearer kiln_a", role::read), start).what, kind::unknown);
  EXPECT_EQ(g.decide(with("Bearer kiln_new", role::admin), start).what, kind::admitted);
  EXPECT_EQ(g.decide(with("Bearer kiln_s", role::read), start).what, kind::admitted);
  EXPECT_EQ(g.decide(with("Bearer kiln_s", role::read), start).what, kind::too_often)
      << "what was used up before stays so";
  changed.erase(changed.begin() + 1);
  g.use(changed);
  EXPECT_FALSE(g.knows(*before, {}));
}

TEST(gate, a_token_that_has_expired_is_a_strangers_and_no_guess) {
  gate g({.per_second = 1, .burst = 2}, {.per_second = 0.001, .burst = 1});
  const date noon = *parse_date("2026-06-01T12:00:00Z");
  auto some = tokens();
  some[2].expires = noon;
  g.use(some);
  const auto ask = [&](date today, role needed, std::uint64_t network) {
    return g.decide({.authorization = "Bearer kiln_a", .network = network, .needed = needed, .today = today},
                    start);
  };
  const auto before = ask(noon - 1s, role::admin, 1);
  ASSERT_EQ(before.what, kind::admitted);
  EXPECT_FALSE(before.expired);
  EXPECT_TRUE(g.knows(*before.who, noon - 1s));
  EXPECT_FALSE(g.knows(*before.who, noon));
  for (const std::uint64_t network : {2, 3, 4}) {
    const auto after = ask(noon, role::read, network << 16);
    EXPECT_EQ(after.what, kind::unknown);
    ASSERT_TRUE(after.expired);
    EXPECT_EQ(after.expired->name, "a");
    EXPECT_EQ(after.expired->since, noon);
    EXPECT_EQ(after.who, nullptr);
    EXPECT_FALSE(after.wrong_token) << "it does not count as a wrong token";
  }
  EXPECT_EQ(ask(noon, role::none, 5 << 16).what, kind::admitted) << "like any stranger";
  EXPECT_EQ(ask(noon, role::none, 5 << 16).who, nullptr);
  EXPECT_EQ(ask(noon, role::none, 5 << 16).what, kind::too_often) << "it has the rate limit of a stranger";
  some[2].expires = noon + 1h;
  g.use(some);
  EXPECT_EQ(ask(noon, role::admin, 1).what, kind::admitted) << "its expiry was moved to a later time";
}

TEST(gate, a_principal_has_the_projects_of_its_token) {
  gate g(no_limit, few_failures);
  auto some = tokens();
  some[1].projects = {"/srv/a"};
  g.use(some);
  const auto who = g.decide(with("Bearer kiln_s", role::submit), start).who;
  EXPECT_EQ(who->projects, std::vector<std::string>{"/srv/a"});
  some[1].projects = {"/srv/b"};
  g.use(some);
  EXPECT_FALSE(g.knows(*who, {})) << "a change of the projects makes another principal";
}

} // namespace
} // namespace kiln::access

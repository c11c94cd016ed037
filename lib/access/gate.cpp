// SPDX-License-Identifier: Apache-2.0
#include "access/gate.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace kiln::access {
namespace {

constexpr std::size_t most_networks = 4096; ///< networks remembered: some 500 KB
constexpr std::size_t most_sessions = 1000;
constexpr std::chrono::hours session_time{7 * 24};
constexpr std::size_t longest_secret = 200; ///< a longer one is not ours, and not worth hashing

/// The token after "Bearer " (RFC 6750, 2.1); the scheme is case-insensitive.
std::optional<std::string_view> bearer(std::string_view authorization) noexcept {
  constexpr std::string_view scheme = "bearer ";
  if (authorization.size() < scheme.size())
    return std::nullopt;
  const bool is_bearer =
      std::ranges::equal(authorization.substr(0, scheme.size()), scheme, [](char a, char b) {
        return a == b || (a >= 'A' && a <= 'Z' && a - 'A' + 'a' == b);
      });
  if (!is_bearer)
    return std::nullopt;
  authorization.remove_prefix(
      std::min(authorization.find_first_not_of(' ', scheme.size()), authorization.size()));
  return authorization;
}

/// The networks around one: neighbours often have the same owner.
std::uint64_t around(std::uint64_t network) noexcept {
  constexpr int in_v4 = 8, in_v6 = 16; // bits
  constexpr std::uint64_t v6 = std::uint64_t{1} << 63;
  const bool is_v6 = network >> 32 != 0;
  return is_v6 ? network >> in_v6 | v6 : network >> in_v4;
}

} // namespace

gate::gate(const rate& requests, const rate& failures)
    : everybody_(std::make_shared<const principal>(principal{{}, role::admin})),
      by_network_(requests, most_networks), failures_(failures, most_networks),
      failures_around_({.per_second = 2 * failures.per_second, .burst = 2 * failures.burst}, most_networks),
      failures_of_prefix_(failures, most_networks) {}

void gate::use(std::span<const token> tokens) {
  auto before = std::exchange(holders_, {});
  everybody_.reset();
  for (const auto& t : tokens) {
    const principal who{t.name, t.rank, t.projects};
    holder now{t.hash, std::make_shared<const principal>(who), t.expires, {}};
    for (const auto& old : before)
      if (old.who->name == t.name)
        now.requests = old.requests; // a reload does not refill the bucket
    holders_.push_back(std::move(now));
  }
  std::erase_if(sessions_, [&](const session& one) { return find(one.token) == nullptr; });
}

gate::holder* gate::find(std::string_view authorization) {
  const auto secret = bearer(authorization);
  if (!secret || secret->size() > longest_secret)
    return nullptr;
  return find(digest_(*secret));
}

gate::holder* gate::find(const digest& hash) {
  holder* found = nullptr;
  for (auto& h : holders_) // all of them, so that timing does not reveal which matched
    if (are_equal(h.hash, hash))
      found = &h;
  return found;
}

gate::session* gate::find_session(std::string_view secret, date today) {
  if (sessions_.empty() || secret.size() > longest_secret)
    return nullptr;
  const auto hash = digest_(secret);
  session* found = nullptr;
  for (auto& one : sessions_)
    if (are_equal(one.hash, hash) && today < one.ends)
      found = &one;
  return found;
}

gate::holder* gate::holder_of(const std::optional<std::string_view>& session_secret, date today) {
  const auto* one = session_secret ? find_session(*session_secret, today) : nullptr;
  return one ? find(one->token) : nullptr;
}

new_session gate::begin_session(std::string_view token_secret, date today) {
  std::erase_if(sessions_, [&](const session& one) { return one.ends <= today; });
  if (sessions_.size() == most_sessions)
    sessions_.erase(sessions_.begin());
  new_session made{.secret = new_secret().substr(new_secret_prefix.size()), .ends = today + session_time};
  const auto token = digest_(token_secret);
  if (const auto* of = find(token); of && of->expires)
    made.ends = std::min(made.ends, *of->expires);
  sessions_.push_back({digest_(made.secret), token, made.ends});
  return made;
}

void gate::end_session(std::string_view secret) {
  if (secret.size() > longest_secret)
    return;
  const auto hash = digest_(secret);
  std::erase_if(sessions_, [&](const session& one) { return are_equal(one.hash, hash); });
}

std::optional<date> gate::session_end(std::string_view secret, date today) {
  const auto* one = find_session(secret, today);
  return one ? std::optional{one->ends} : std::nullopt;
}

/// Whether one more wrong token is tolerated as a mistake.
bool gate::may_fail(const question& asked, time_point now, decision& made) {
  constexpr std::size_t told = 13; // of a token: "kiln_" and 8 hexadecimal digits, 32 of its 160 bits
  const auto secret = bearer(*asked.authorization).value_or(*asked.authorization);
  const auto hash = digest_(secret.substr(0, told));
  std::uint64_t prefix = 0;
  std::memcpy(&prefix, hash.data(), sizeof prefix);
  const std::pair<bucket_table*, std::uint64_t> limits[] = {{&failures_, asked.network},
                                                            {&failures_around_, around(asked.network)},
                                                            {&failures_of_prefix_, prefix}};
  for (const auto& [table, who] : limits)
    if (const auto left = table->take(who, now); !left.allowed) {
      made.left = left;
      made.of_failures = table->limit();
      return false;
    }
  return true;
}

decision gate::decide(const question& asked, time_point now) {
  using enum decision::kind;
  decision made;
  holder* known = nullptr;
  if (everybody_) {
    made.who = everybody_;
  } else if (asked.authorization) {
    known = find(*asked.authorization);
    if (known && has_expired(known->expires, asked.today)) {
      made.expired = expired_token{known->who->name, *known->expires};
      known = nullptr; // not counted as a wrong token; the caller has the rights of a stranger
    } else if (known) {
      made.who = known->who;
    } else {
      made.wrong_token = may_fail(asked, now, made);
      if (!made.wrong_token && asked.needed != role::none) {
        made.what = too_often;
        made.wrong_token = true;
        return made;
      }
      made.left.reset();
    }
  }
  if (!everybody_ && !asked.authorization) {
    // An unknown session is no wrong token: a browser shows it with each picture after kilnd was restarted.
    known = holder_of(asked.session, asked.today);
    if (known)
      made.who = known->who;
  }
  if (requests().is_limited()) {
    made.left = known ? known->requests.take(requests(), now) : by_network_.take(asked.network, now);
    if (!made.left->allowed) {
      made.what = too_often;
      return made;
    }
  }
  if (asked.needed == role::none)
    made.what = admitted;
  else if (!made.who)
    made.what = unknown;
  else if (made.who->rank < asked.needed)
    made.what = forbidden;
  return made;
}

bool gate::knows(const principal& who, date today) const noexcept {
  if (everybody_)
    return who == *everybody_;
  return std::ranges::any_of(
      holders_, [&](const holder& h) { return *h.who == who && !has_expired(h.expires, today); });
}

} // namespace kiln::access

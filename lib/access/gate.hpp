// SPDX-License-Identifier: Apache-2.0
//
// Decides about each request by what its head says: who asks, whether they may, and whether too often. Knows
// nothing of HTTP but the form of a bearer token. Pure: the time is given.
#pragma once

#include "access/bucket.hpp"
#include "access/token.hpp"

#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace kiln::access {

struct question {
  std::optional<std::string_view> authorization = {}; ///< value of the field
  std::uint64_t network = 0;                          ///< where the client is: buckets of strangers go by it
  role needed = role::admin;
  date today = {}; ///< tokens expire by it
};

struct expired_token {
  std::string name;
  date since;
};

struct decision {
  enum class kind {
    admitted,
    unknown,   ///< who asks is not known, and has to be
    forbidden, ///< who asks is known, and may not
    too_often,
  };
  kind what = kind::admitted;
  principal_ptr who;                         ///< null: a stranger
  bool wrong_token = false;                  ///< one was given, looked at, and is none of ours
  std::optional<expired_token> expired = {}; ///< one was given that has expired: its client is a stranger
  rate of_failures = {};                     ///< the limit that too many wrong tokens have met
  std::optional<allowance> left = {};        ///< where requests are limited, or too many tokens were wrong
};

class gate {
public:
  /// `requests`: of each token, and of each network from which strangers ask. `failures`: of wrong tokens
  /// from one network, and of wrong tokens with the same beginning wherever they come from; twice as many
  /// from the networks around it. What strangers may do is never refused for a wrong token.
  gate(const rate& requests, const rate& failures);

  /// From now on only who has one of these is admitted to more than strangers are. Without a call everybody
  /// may do everything.
  void use(std::span<const token> tokens);

  [[nodiscard]] decision decide(const question& asked, time_point now);

  /// Whether they would still be who they were.
  [[nodiscard]] bool knows(const principal& who, date today) const noexcept;

  /// Whether there is nothing to decide: everybody() may do everything, as often as they like.
  [[nodiscard]] bool is_open() const noexcept { return everybody_ && !requests().is_limited(); }
  [[nodiscard]] const principal_ptr& everybody() const noexcept { return everybody_; }

  [[nodiscard]] bool has_tokens() const noexcept { return everybody_ == nullptr; }
  [[nodiscard]] const rate& requests() const noexcept { return by_network_.limit(); }

private:
  struct holder {
    digest hash{};
    principal_ptr who;
    std::optional<date> expires;
    bucket requests;
  };
  [[nodiscard]] holder* find(std::string_view authorization);
  [[nodiscard]] bool may_fail(const question& asked, time_point now, decision& made);

  principal_ptr everybody_; ///< null with tokens
  digester digest_;
  std::vector<holder> holders_;
  bucket_table by_network_;
  bucket_table failures_;
  bucket_table failures_around_;    ///< of 256 addresses of IPv4, of a /48 of IPv6
  bucket_table failures_of_prefix_; ///< of tokens
};

} // namespace kiln::access

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
};

struct decision {
  enum class kind {
    admitted,
    unknown,   ///< who asks is not known, and has to be
    forbidden, ///< who asks is known, and may not
    too_often,
  };
  kind what = kind::admitted;
  principal_ptr who;                  ///< null: a stranger
  bool wrong_token = false;           ///< one was given, and is none of ours
  std::optional<allowance> left = {}; ///< where requests are limited, or too many tokens were wrong
};

class gate {
public:
  /// `requests`: of each token, and of each network from which strangers ask. `failures`: of wrong tokens
  /// from one network.
  gate(const rate& requests, const rate& failures);

  /// From now on only who has one of these is admitted to more than strangers are. Without a call everybody
  /// may do everything.
  void use(std::span<const token> tokens);

  [[nodiscard]] decision decide(const question& asked, time_point now);

  /// Whether they would still be who they were.
  [[nodiscard]] bool knows(const principal& who) const noexcept;

  /// Whether there is nothing to decide: everybody() may do everything, as often as they like.
  [[nodiscard]] bool is_open() const noexcept { return everybody_ && !requests().is_limited(); }
  [[nodiscard]] const principal_ptr& everybody() const noexcept { return everybody_; }

  [[nodiscard]] bool has_tokens() const noexcept { return everybody_ == nullptr; }
  [[nodiscard]] const rate& requests() const noexcept { return by_network_.limit(); }
  [[nodiscard]] const rate& failures() const noexcept { return failures_.limit(); }

private:
  struct holder {
    digest hash{};
    principal_ptr who;
    bucket requests;
  };
  [[nodiscard]] holder* find(std::string_view authorization);

  principal_ptr everybody_; ///< null with tokens
  digester digest_;
  std::vector<holder> holders_;
  bucket_table by_network_;
  bucket_table failures_;
};

} // namespace kiln::access

// SPDX-License-Identifier: Apache-2.0
//
// Decides about each request from its header: who the caller is, whether the request is permitted, and
// whether it exceeds a rate limit. Of HTTP it uses only the format of a bearer token. Pure: the time is
// passed in.
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
  std::optional<std::string_view> session = {};       ///< secret of a session; ignored with `authorization`
  std::uint64_t network = 0; ///< the client's network; selects the buckets of strangers
  role needed = role::admin;
  date today = {}; ///< wall clock time; decides which tokens have expired
};

struct expired_token {
  std::string name;
  date since;
};

struct decision {
  enum class kind {
    admitted,
    unknown,   ///< the caller is unknown, and authentication is required
    forbidden, ///< the caller is known, and not permitted
    too_often,
  };
  kind what = kind::admitted;
  principal_ptr who;                         ///< null: a stranger
  bool wrong_token = false;                  ///< a token was given, checked, and does not exist
  std::optional<expired_token> expired = {}; ///< a token was given that has expired: the caller is a stranger
  rate of_failures = {};                     ///< the limit exceeded by wrong tokens
  std::optional<allowance> left = {};        ///< if requests are limited, or too many tokens were wrong
};

/// A browser that has shown its token: it shows the secret of the session from now on.
struct new_session {
  std::string secret;
  date ends;
};

class gate {
public:
  /// `requests`: limit of each token, and of each network of strangers. `failures`: limit of wrong tokens
  /// from one network, and of wrong tokens with the same beginning from anywhere; twice as many from the
  /// surrounding networks. Requests open to strangers are never refused for a wrong token.
  gate(const rate& requests, const rate& failures);

  /// From now on only holders of these tokens have more rights than strangers. Without a call, every client
  /// may do everything.
  void use(std::span<const token> tokens);

  [[nodiscard]] decision decide(const question& asked, time_point now);

  /// A session of the owner of this token, which decide() has admitted. It has the rights of the token, and
  /// ends with it, a week later, or when kilnd ends. There is room for 1000: the oldest makes room.
  [[nodiscard]] new_session begin_session(std::string_view token_secret, date today);
  /// No effect if there is no such session.
  void end_session(std::string_view secret);
  /// The end of a session; nullopt if there is none with this secret.
  [[nodiscard]] std::optional<date> session_end(std::string_view secret, date today);

  /// Whether this principal still exists unchanged, with a token that has not expired.
  [[nodiscard]] bool knows(const principal& who, date today) const noexcept;

  /// Whether there is nothing to decide: every client may do everything, without a rate limit.
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
  struct session {
    digest hash{};
    digest token{};
    date ends;
  };
  [[nodiscard]] holder* find(std::string_view authorization);
  [[nodiscard]] holder* find(const digest& hash);
  [[nodiscard]] session* find_session(std::string_view secret, date today);
  [[nodiscard]] holder* holder_of(const std::optional<std::string_view>& session_secret, date today);
  [[nodiscard]] bool may_fail(const question& asked, time_point now, decision& made);

  principal_ptr everybody_; ///< null with tokens
  digester digest_;
  std::vector<holder> holders_;
  std::vector<session> sessions_; ///< oldest first
  bucket_table by_network_;
  bucket_table failures_;
  bucket_table failures_around_;    ///< of 256 addresses of IPv4, of a /48 of IPv6
  bucket_table failures_of_prefix_; ///< of tokens
};

} // namespace kiln::access

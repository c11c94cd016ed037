// SPDX-License-Identifier: Apache-2.0
//
// Tokens with their roles, and the text of the file that lists them. Only the owner has the secret: a line
// contains just its SHA-256, which suffices because a secret is random, not chosen by a person
// (docs/decisions/0011-access.md). The file has one line per token, `NAME ROLE CREATED sha256:HEX`, followed
// by ` expires=TIME` and ` projects=/A:/B` if the token is limited, in this order; lines that begin with #
// are comments. Pure.
#pragma once

#include "access/expiry.hpp"
#include "access/role.hpp"
#include "base/error.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kiln::access {

using digest = std::array<std::uint8_t, 32>;

struct token {
  std::string name;
  role rank = role::read;
  std::string created; ///< RFC 3339, UTC; for people
  digest hash{};
  std::optional<date> expires = {};       ///< refused from this time on; nullopt: never
  std::vector<std::string> projects = {}; ///< see principal

  friend bool operator==(const token&, const token&) = default;
};

inline constexpr std::size_t most_tokens = 1000; ///< each request is compared with all of them

inline constexpr std::string_view new_secret_prefix = "kiln_";

/// "kiln_" and 40 hexadecimal digits: 160 random bits. The prefix is for people and for secret scanners.
[[nodiscard]] std::string new_secret();

/// SHA-256.
[[nodiscard]] digest digest_of(std::string_view secret);

/// The same for many secrets, without looking up the algorithm each time, which takes longer than the hash.
class digester {
public:
  digester();
  ~digester();
  digester(const digester&) = delete;
  digester& operator=(const digester&) = delete;
  [[nodiscard]] digest operator()(std::string_view secret);

private:
  struct openssl;
  std::unique_ptr<openssl> openssl_;
};

/// Compares in constant time.
[[nodiscard]] bool are_equal(const digest& a, const digest& b) noexcept;

/// 1 to 64 of A-Z a-z 0-9 . _ -, beginning with a letter or a digit.
[[nodiscard]] bool is_token_name(std::string_view text) noexcept;

/// An absolute path without ':' and without control characters; it need not exist.
[[nodiscard]] bool is_project(std::string_view path) noexcept;

/// "/A:/B", the notation of the file.
[[nodiscard]] std::string format_projects(std::span<const std::string> all);

/// Parses the text of a file. corrupt names the line and the error.
[[nodiscard]] result<std::vector<token>> parse_tokens(std::string_view text);
[[nodiscard]] std::string format_tokens(std::span<const token> all);

} // namespace kiln::access

// SPDX-License-Identifier: Apache-2.0
//
// Tokens: who may do what, and the file that lists them, as text. The secret itself is nowhere but with its
// owner: a line has its SHA-256 alone, which is enough because a secret is random, not chosen by a person
// (docs/decisions/0011-access.md). The file: one line a token, `NAME ROLE CREATED sha256:HEX`, then, where
// they apply, ` expires=TIME` and ` projects=/A:/B`, in this order; lines that begin with # are for people.
// Pure.
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
  std::optional<date> expires = {};       ///< from then on it is refused
  std::vector<std::string> projects = {}; ///< see principal

  friend bool operator==(const token&, const token&) = default;
};

inline constexpr std::size_t most_tokens = 1000; ///< each request is held against all of them

/// "kiln_" and 40 hexadecimal digits: 160 random bits. The prefix is for people and for programs that look
/// for secrets where none should be.
[[nodiscard]] std::string new_secret();

/// SHA-256.
[[nodiscard]] digest digest_of(std::string_view secret);

/// The same for many, without finding the algorithm anew for each, which takes longer than the hash.
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

/// In a time that does not tell where they differ.
[[nodiscard]] bool are_equal(const digest& a, const digest& b) noexcept;

/// 1 to 64 of A-Z a-z 0-9 . _ -, beginning with a letter or a digit.
[[nodiscard]] bool is_token_name(std::string_view text) noexcept;

/// An absolute path without ':' and without control characters; it need not be there.
[[nodiscard]] bool is_project(std::string_view path) noexcept;

/// "/A:/B", as the file has them.
[[nodiscard]] std::string format_projects(std::span<const std::string> all);

/// The text of a file. corrupt names the line and what is wrong with it.
[[nodiscard]] result<std::vector<token>> parse_tokens(std::string_view text);
[[nodiscard]] std::string format_tokens(std::span<const token> all);

} // namespace kiln::access

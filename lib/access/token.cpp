// SPDX-License-Identifier: Apache-2.0
#include "access/token.hpp"

#include "base/utf8.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <stdexcept>

#include <openssl/evp.h>
#include <openssl/rand.h>

namespace kiln::access {
namespace {

constexpr std::string_view hash_prefix = "sha256:";
constexpr std::string_view introduction =
    "# Who may use kilnd. Hashes only: a secret that is lost is made anew. Change it with\n"
    "#   kilnd token add NAME --role read|submit|admin    kilnd token remove NAME\n";
constexpr std::size_t secret_bytes = 20;
constexpr std::size_t longest_name = 64;
constexpr std::size_t longest_project = 4095;
constexpr std::string_view expiry_prefix = "expires=";
constexpr std::string_view projects_prefix = "projects=";
constexpr std::string_view digits = "0123456789abcdef";

std::string to_hex(std::span<const std::uint8_t> bytes) {
  std::string text;
  for (const auto b : bytes) {
    text += digits[b >> 4];
    text += digits[b & 15];
  }
  return text;
}

std::optional<digest> parse_hash(std::string_view text) {
  if (!text.starts_with(hash_prefix))
    return std::nullopt;
  text.remove_prefix(hash_prefix.size());
  digest hash{};
  if (text.size() != 2 * hash.size())
    return std::nullopt;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto value = digits.find(text[i]);
    if (value == std::string_view::npos)
      return std::nullopt;
    hash[i / 2] = static_cast<std::uint8_t>(hash[i / 2] << 4 | value);
  }
  return hash;
}

/// Removes and returns the text before the first `at`.
std::string_view take_until(std::string_view& text, char at) {
  const auto end = std::min(text.find(at), text.size());
  const auto taken = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return taken;
}

/// Parses the limits after the hash. Returns the error; empty if none.
std::string_view parse_limits(std::string_view rest, token& into) {
  if (rest.starts_with(expiry_prefix)) {
    const auto size = std::min(rest.find(' '), rest.size());
    into.expires = parse_date(rest.substr(expiry_prefix.size(), size - expiry_prefix.size()));
    if (!into.expires)
      return "expires= needs a time such as 2026-11-24T20:16:22Z";
    if (size == rest.size())
      return {};
    rest.remove_prefix(size + 1);
  }
  if (!rest.starts_with(projects_prefix))
    return "after the hash only expires= and projects= may follow, in this order";
  for (rest.remove_prefix(projects_prefix.size());;) {
    const auto size = std::min(rest.find(':'), rest.size());
    const auto path = rest.substr(0, size);
    if (!is_project(path))
      return "projects= needs absolute paths, separated by ':'";
    into.projects.emplace_back(path);
    if (size == rest.size())
      return {};
    rest.remove_prefix(size + 1);
  }
}

/// The error in a line; empty if none.
std::string_view parse_line(std::string_view line, token& into) {
  const auto name = take_until(line, ' ');
  const auto rank = parse_role(take_until(line, ' '));
  const auto created = take_until(line, ' ');
  const bool has_more = line.find(' ') != std::string_view::npos;
  const auto hash = parse_hash(take_until(line, ' '));
  if (!is_token_name(name))
    return "the name has 1 to 64 of A-Z a-z 0-9 . _ -";
  if (!rank)
    return "behind the name stands read, submit or admin";
  if (!parse_date(created))
    return "behind the role stands a time such as 2026-11-24T20:16:22Z";
  if (!hash)
    return "after the time, sha256: and 64 hexadecimal digits in lower case must follow";
  into = {std::string{name}, *rank, std::string{created}, *hash};
  return has_more ? parse_limits(line, into) : std::string_view{};
}

} // namespace

std::string new_secret() {
  std::array<std::uint8_t, secret_bytes> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1)
    throw std::runtime_error("OpenSSL has no random bytes");
  return std::string{new_secret_prefix} + to_hex(bytes);
}

digest digest_of(std::string_view secret) {
  digester once;
  return once(secret);
}

struct digester::openssl {
  std::unique_ptr<EVP_MD, decltype(&EVP_MD_free)> sha256{EVP_MD_fetch(nullptr, "SHA256", nullptr),
                                                         EVP_MD_free};
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(), EVP_MD_CTX_free};
};

digester::digester() = default;
digester::~digester() = default;

digest digester::operator()(std::string_view secret) {
  if (!openssl_) // not before a token is presented: OpenSSL takes 2 MB once used
    openssl_ = std::make_unique<openssl>();
  if (!openssl_->sha256 || !openssl_->context)
    throw std::runtime_error("OpenSSL has no SHA-256");
  digest hash{};
  auto* context = openssl_->context.get();
  if (EVP_DigestInit_ex2(context, openssl_->sha256.get(), nullptr) != 1 ||
      EVP_DigestUpdate(context, secret.data(), secret.size()) != 1 ||
      EVP_DigestFinal_ex(context, hash.data(), nullptr) != 1)
    throw std::runtime_error("OpenSSL cannot compute a SHA-256");
  return hash;
}

bool are_equal(const digest& a, const digest& b) noexcept {
  std::array<std::uint64_t, 4> x{}, y{};
  std::memcpy(x.data(), a.data(), a.size());
  std::memcpy(y.data(), b.data(), b.size());
  return ((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) | (x[3] ^ y[3])) == 0;
}

bool is_token_name(std::string_view text) noexcept {
  const auto is_letter_or_digit = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  };
  return !text.empty() && text.size() <= longest_name && is_letter_or_digit(text.front()) &&
         std::ranges::all_of(
             text, [&](char c) { return is_letter_or_digit(c) || c == '.' || c == '_' || c == '-'; });
}

bool is_project(std::string_view path) noexcept {
  return path.starts_with('/') && path.size() <= longest_project &&
         path.find(':') == std::string_view::npos && is_line_of_text(path);
}

std::string format_projects(std::span<const std::string> all) {
  return fmt::format("{}", fmt::join(all, ":"));
}

result<std::vector<token>> parse_tokens(std::string_view text) {
  std::vector<token> all;
  for (int number = 1; !text.empty(); ++number) {
    const auto line = take_until(text, '\n');
    if (line.empty() || line.starts_with('#'))
      continue;
    const auto wrong = [&](std::string_view why) {
      return error{errc::corrupt, fmt::format("line {}: {}", number, why)};
    };
    token read;
    if (const auto why = parse_line(line, read); !why.empty())
      return wrong(why);
    for (const auto& other : all) {
      if (other.name == read.name)
        return wrong(fmt::format("there is a token {} already", read.name));
      if (are_equal(other.hash, read.hash))
        return wrong(fmt::format("{} has the same secret as {}", read.name, other.name));
    }
    if (all.size() == most_tokens)
      return wrong(fmt::format("there are more than {} tokens", most_tokens));
    all.push_back(std::move(read));
  }
  return all;
}

std::string format_tokens(std::span<const token> all) {
  std::string text{introduction};
  for (const auto& t : all) {
    text += fmt::format("{} {} {} {}{}", t.name, to_string(t.rank), t.created, hash_prefix, to_hex(t.hash));
    if (t.expires)
      text += fmt::format(" {}{}", expiry_prefix, format_date(*t.expires));
    if (!t.projects.empty())
      text += fmt::format(" {}{}", projects_prefix, format_projects(t.projects));
    text += '\n';
  }
  return text;
}

} // namespace kiln::access

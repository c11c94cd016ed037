// SPDX-License-Identifier: Apache-2.0
#include "webhook/signature.hpp"

#include <fmt/format.h>

#include <array>
#include <stdexcept>

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

namespace kiln::webhook {
namespace {

constexpr std::string_view prefix = "whsec_";
constexpr std::size_t new_key_bytes = 24, least_key_bytes = 24, most_key_bytes = 64;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string to_base64(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0'); // EVP_EncodeBlock ends it with a zero
  text.resize(static_cast<std::size_t>(EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                                       bytes_of(bytes), static_cast<int>(bytes.size()))));
  return text;
}

} // namespace

std::string new_secret() {
  std::string key(new_key_bytes, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(key.data()), static_cast<int>(key.size())) != 1)
    throw std::runtime_error("OpenSSL has no random bytes");
  return std::string{prefix} + to_base64(key);
}

result<std::string> key_of_secret(std::string_view secret) {
  const error wrong{errc::invalid_input, fmt::format("must be \"{}\" and {} to {} bytes in base 64", prefix,
                                                     least_key_bytes, most_key_bytes)};
  constexpr std::size_t longest = prefix.size() + (most_key_bytes + 2) / 3 * 4;
  if (!secret.starts_with(prefix) || secret.size() > longest || secret.size() <= prefix.size())
    return wrong;
  const auto text = secret.substr(prefix.size());
  std::string key(text.size(), '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(key.data()), bytes_of(text),
                                   static_cast<int>(text.size()));
  if (size < 0)
    return wrong;
  key.resize(static_cast<std::size_t>(size));
  for (const char* padding : {"=", "=="}) // EVP_DecodeBlock decodes padding as bytes
    if (text.ends_with(padding))
      key.pop_back();
  // It also accepts spaces and misplaced padding.
  if (to_base64(key) != text || key.size() < least_key_bytes || key.size() > most_key_bytes)
    return wrong;
  return key;
}

std::string sign(std::string_view key, std::string_view id, std::int64_t timestamp,
                 std::string_view payload) {
  const auto content = fmt::format("{}.{}.{}", id, timestamp, payload);
  std::array<unsigned char, EVP_MAX_MD_SIZE> code{};
  unsigned int size = 0;
  if (!HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes_of(content), content.size(),
            code.data(), &size))
    throw std::runtime_error("OpenSSL cannot compute an HMAC");
  return "v1," + to_base64({reinterpret_cast<const char*>(code.data()), size});
}

} // namespace kiln::webhook

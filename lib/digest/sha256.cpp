// SPDX-License-Identifier: Apache-2.0
#include "digest/sha256.hpp"

#include <fmt/format.h>

#include <array>
#include <new>
#include <span>

#include <openssl/evp.h>

namespace kiln::digest {

sha256_hasher::sha256_hasher() : context_(::EVP_MD_CTX_new(), &::EVP_MD_CTX_free) {
  if (!context_ || ::EVP_DigestInit_ex(context_.get(), ::EVP_sha256(), nullptr) != 1)
    throw std::bad_alloc{};
}

void sha256_hasher::add(const void* bytes, std::size_t size) {
  ::EVP_DigestUpdate(context_.get(), bytes, size);
}

std::string sha256_hasher::hex() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  ::EVP_DigestFinal_ex(context_.get(), digest.data(), &size);
  std::string out;
  for (const auto byte : std::span{digest}.first(size))
    out += fmt::format("{:02x}", byte);
  return out;
}

std::string sha256(std::string_view text) {
  sha256_hasher h;
  h.add(text.data(), text.size());
  return h.hex();
}

} // namespace kiln::digest

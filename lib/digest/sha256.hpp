// SPDX-License-Identifier: Apache-2.0
//
// SHA-256 (FIPS 180-4) of a text or of a stream of bytes, as 64 hexadecimal digits in lower case.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

namespace kiln::digest {

class sha256_hasher {
public:
  sha256_hasher();

  void add(const void* bytes, std::size_t size);
  /// The digest of all added bytes; nothing can be added afterwards.
  [[nodiscard]] std::string hex();

private:
  std::unique_ptr<evp_md_ctx_st, void (*)(evp_md_ctx_st*)> context_;
};

[[nodiscard]] std::string sha256(std::string_view text);

} // namespace kiln::digest

// SPDX-License-Identifier: Apache-2.0
// The decoders never read past the end, and say why they refuse.
#include "check.hpp"
#include "decoder/decode.hpp"

#include <algorithm>

namespace {

using namespace kiln;

class memory_source final : public image::image_source {
public:
  explicit memory_source(std::string_view bytes) : bytes_(bytes) {}
  [[nodiscard]] std::uint64_t size() const override { return bytes_.size(); }
  [[nodiscard]] result<void> read(std::uint64_t offset, std::span<std::byte> into) override {
    KILN_HOLDS(offset <= bytes_.size() && into.size() <= bytes_.size() - offset);
    std::copy_n(reinterpret_cast<const std::byte*>(bytes_.data()) + offset, into.size(), into.begin());
    return {};
  }

private:
  std::string_view bytes_;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  memory_source source{as_text(data, size)};
  decoder::picture drawn{160};
  const auto decoded = decoder::decode(source, drawn);
  if (decoded)
    KILN_HOLDS(decoded->width > 0 && decoded->height > 0 && decoded->channels > 0);
  else
    KILN_HOLDS(decoded.error().code == errc::corrupt && !decoded.error().message.empty());
  return 0;
}

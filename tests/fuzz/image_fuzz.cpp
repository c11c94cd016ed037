// SPDX-License-Identifier: Apache-2.0
// The checks never read past the end, and never take a file that was cut.
#include "check.hpp"
#include "image/image_structure.hpp"

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

bool is_whole(std::string_view bytes) {
  memory_source source{bytes};
  const auto checked = image::check_image_structure(source);
  KILN_HOLDS(checked || (checked.error().code == errc::corrupt && !checked.error().message.empty()));
  return checked.has_value();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = as_text(data, size);
  if (is_whole(bytes))
    KILN_HOLDS(!is_whole(bytes.substr(0, size - 1)) && !is_whole(bytes.substr(0, size / 2)));
  return 0;
}

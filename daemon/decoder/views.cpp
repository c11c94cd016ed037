// SPDX-License-Identifier: Apache-2.0
#include "decoder/views.hpp"

namespace kiln::decoder {

result<void> apply_view(std::vector<float>&, int, int, const image::colour_view&) {
  return error{errc::unsupported, "this Kiln was built without OpenColorIO"};
}

} // namespace kiln::decoder

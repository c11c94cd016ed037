// SPDX-License-Identifier: Apache-2.0
#include "blender/line_splitter.hpp"

#include <algorithm>

namespace kiln::blender {

void line_splitter::feed(std::string_view bytes, const line_handler& on_line) {
  while (!bytes.empty()) {
    const auto end = bytes.find_first_of("\r\n");
    const auto piece = bytes.substr(0, end);
    line_ += piece.substr(0, std::min(piece.size(), max_line - line_.size()));
    if (end == std::string_view::npos)
      return;
    finish(on_line);
    bytes.remove_prefix(end + 1);
  }
}

void line_splitter::finish(const line_handler& on_line) {
  if (!line_.empty())
    on_line(line_);
  line_.clear();
}

} // namespace kiln::blender

// SPDX-License-Identifier: Apache-2.0
//
// Splits a log that arrives in pieces into lines: pure, in bounded memory for any content.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace kiln::blender {

class line_splitter {
public:
  static constexpr std::size_t max_line = 8 * 1024; ///< bytes; the rest of a longer line is dropped

  using line_handler = std::function<void(std::string_view line)>;

  /// Calls `on_line` for each line that ends in `bytes`. Lines end with \n, \r\n or \r (Blender overwrites
  /// its progress on terminals that way); empty ones are left out.
  void feed(std::string_view bytes, const line_handler& on_line);

  /// The log has ended: text after its last line end is a line too.
  void finish(const line_handler& on_line);

private:
  std::string line_;
};

} // namespace kiln::blender

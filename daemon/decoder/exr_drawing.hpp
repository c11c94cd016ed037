// SPDX-License-Identifier: Apache-2.0
//
// Which channels of an OpenEXR image make a picture, and how they are added to it.
#pragma once

#include "decoder/picture.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <ImfFrameBuffer.h>
#include <ImfHeader.h>
#include <ImfMultiPartInputFile.h>

namespace kiln::decoder {

inline std::uint64_t bytes_of(Imf::PixelType type) {
  return type == Imf::HALF ? 2 : 4;
}

inline std::uint64_t extent(int low, int high) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(std::int64_t{high} - low + 1, 0));
}

/// Red, green, blue, alpha by their names in the file. Grey: red alone. Without alpha: the last is empty.
struct exr_channels {
  int part = 0;
  std::array<std::string, 4> names;
};

/// The channels of a layer: its name is in the channels' names before the last dot, or is that of a part, or
/// both with a dot between. Without a name: R, G, B; else a layer "Combined"; else the first layer that has
/// colours; else a channel. Nullopt if there is none.
[[nodiscard]] std::optional<exr_channels> choose_channels(const Imf::MultiPartInputFile& file,
                                                          std::string_view layer);

class exr_drawing {
public:
  /// Begins the picture, of the display window, unless that is larger than an image may be.
  exr_drawing(const exr_channels& of, const Imf::Header& header, picture& into);

  /// Makes room for a block of `width` times `height` pixels, the first of them at (x, y), and gives the
  /// chosen channels their places in it. `is_tile`: coordinates begin at 0 in each tile.
  void prepare(Imf::FrameBuffer& frame, int x, int y, int width, int height, bool is_tile);
  /// Adds the first `rows` rows and `columns` columns of the block (all without it).
  void add(int x, int y, int width, int rows, int columns = -1);

private:
  struct channel {
    std::string name;
    Imf::PixelType type = Imf::HALF;
    std::vector<char> block;
  };

  picture& into_;
  int left_ = 0, top_ = 0; ///< of the display window
  std::array<channel, 4> channels_;
  std::vector<float> row_;
};

} // namespace kiln::decoder

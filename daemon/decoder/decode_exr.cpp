// SPDX-License-Identifier: Apache-2.0
#include "decoder/exr_drawing.hpp"
#include "decoder/formats.hpp"
#include "decoder/time_limit.hpp"
#include "image/exr_structure.hpp"

#include <algorithm>
#include <limits>
#include <set>
#include <stdexcept>

#include <ImfChannelList.h>
#include <ImfCompression.h>
#include <ImfFrameBuffer.h>
#include <ImfHeader.h>
#include <ImfIO.h>
#include <ImfInputPart.h>
#include <ImfMultiPartInputFile.h>
#include <ImfPartType.h>
#include <ImfTileDescription.h>
#include <ImfTiledInputPart.h>

namespace kiln::decoder {
namespace {

constexpr int max_parts = 1024;

class exr_stream final : public Imf::IStream {
public:
  explicit exr_stream(image_source& file) : IStream("image"), file_(file) {}

  bool read(char into[], int size) override {
    const auto wanted = static_cast<std::uint64_t>(std::max(size, 0));
    if (offset_ > file_.size() || wanted > file_.size() - offset_)
      throw std::runtime_error("ends too early (byte " + std::to_string(file_.size()) + ")");
    const std::span bytes{into, static_cast<std::size_t>(wanted)};
    if (const auto got = file_.read(offset_, std::as_writable_bytes(bytes)); !got)
      throw std::runtime_error(got.error().message);
    offset_ += wanted;
    furthest_ = std::max(furthest_, offset_);
    return offset_ < file_.size();
  }
  std::uint64_t tellg() override { return offset_; }
  void seekg(std::uint64_t offset) override { offset_ = offset; }

  /// The position after the last used byte.
  [[nodiscard]] std::uint64_t furthest() const { return furthest_; }

private:
  image_source& file_;
  std::uint64_t offset_ = 0;
  std::uint64_t furthest_ = 0;
};

/// The number of lines decoded together: see ImfCompression.h.
std::uint64_t lines_of_chunk(Imf::Compression compression) {
  switch (compression) {
  case Imf::ZIP_COMPRESSION:
  case Imf::PXR24_COMPRESSION:
    return 16;
  case Imf::PIZ_COMPRESSION:
  case Imf::B44_COMPRESSION:
  case Imf::B44A_COMPRESSION:
  case Imf::DWAA_COMPRESSION:
    return 32;
  case Imf::DWAB_COMPRESSION:
    return 256;
  default:
    return 1;
  }
}

std::int64_t floor_divide(int value, int by) {
  const std::int64_t wide = value;
  return wide >= 0 ? wide / by : -((-wide + by - 1) / by);
}

/// All channels and lines share one row, whose first sample is at `left`: pixels are not kept.
Imf::FrameBuffer into_row(const Imf::ChannelList& channels, std::vector<char>& row, int left, bool tiles) {
  Imf::FrameBuffer frame;
  for (auto c = channels.begin(); c != channels.end(); ++c) {
    const auto& channel = c.channel();
    const auto size = bytes_of(channel.type);
    // OpenEXR takes the address of sample 0, which may be outside of the row.
    const auto before = tiles ? 0 : floor_divide(left, channel.xSampling) * static_cast<std::int64_t>(size);
    const auto base = reinterpret_cast<std::uintptr_t>(row.data()) - static_cast<std::uintptr_t>(before);
    frame.insert(c.name(), Imf::Slice{channel.type, reinterpret_cast<char*>(base), size, 0, channel.xSampling,
                                      channel.ySampling, 0, tiles, tiles});
  }
  return frame;
}

result<void> check_part(const Imf::Header& header) {
  if (header.hasType() && Imf::isDeepData(header.type()))
    return error{errc::corrupt, "OpenEXR: deep images are not taken"};
  const auto& window = header.dataWindow();
  const auto width = extent(window.min.x, window.max.x);
  const auto height = extent(window.min.y, window.max.y);
  std::uint64_t pixel = 0;
  for (auto c = header.channels().begin(); c != header.channels().end(); ++c)
    pixel += bytes_of(c.channel().type);
  if (pixel == 0)
    return error{errc::corrupt, "OpenEXR: a part has no channels"};
  auto at_once = width * lines_of_chunk(header.compression());
  if (header.hasTileDescription()) {
    const auto& tile = header.tileDescription();
    if (tile.xSize > max_side || tile.ySize > max_side)
      return error{errc::corrupt, "OpenEXR: a tile is larger than 65536 a side"};
    at_once = std::uint64_t{tile.xSize} * tile.ySize;
  }
  // Within 64 bits: 2^32 pixels of at most 2^20 channels, which the header would have to name one by one.
  auto checked = check_dimensions("OpenEXR", width, height, at_once * pixel);
  if (checked)
    allow_time_for(0, width * height * pixel);
  return checked;
}

/// `drawn`: null for a part that is not drawn.
void decode_lines(Imf::MultiPartInputFile& file, int number, exr_drawing* drawn) {
  Imf::InputPart part{file, number};
  const auto& window = part.header().dataWindow();
  std::vector<char> row((extent(window.min.x, window.max.x) + 1) * 4);
  auto frame = into_row(part.header().channels(), row, window.min.x, false);
  if (!drawn) {
    part.setFrameBuffer(frame);
    part.readPixels(window.min.y, window.max.y);
    return;
  }
  const auto together =
      static_cast<int>(std::min<std::uint64_t>(lines_of_chunk(part.header().compression()), 32));
  const auto width = static_cast<int>(extent(window.min.x, window.max.x));
  for (std::int64_t y = window.min.y; y <= window.max.y; y += together) {
    const auto last = std::min<std::int64_t>(y + together - 1, window.max.y);
    drawn->prepare(frame, window.min.x, static_cast<int>(y), width, together, false);
    part.setFrameBuffer(frame);
    part.readPixels(static_cast<int>(y), static_cast<int>(last));
    drawn->add(window.min.x, static_cast<int>(y), width, static_cast<int>(last - y + 1));
  }
}

void decode_tiles(Imf::MultiPartInputFile& file, int number, exr_drawing* drawn) {
  Imf::TiledInputPart part{file, number};
  std::vector<char> row((std::size_t{part.tileXSize()} + 1) * 4);
  const auto frame = into_row(part.header().channels(), row, 0, true);
  part.setFrameBuffer(frame);
  for (int ly = 0; ly < part.numYLevels(); ++ly)
    for (int lx = 0; lx < part.numXLevels(); ++lx)
      if (part.isValidLevel(lx, ly) && (!drawn || lx > 0 || ly > 0))
        part.readTiles(0, part.numXTiles(lx) - 1, 0, part.numYTiles(ly) - 1, lx, ly);
  if (!drawn)
    return;
  const auto width = static_cast<int>(part.tileXSize()), height = static_cast<int>(part.tileYSize());
  auto whole = frame;
  drawn->prepare(whole, 0, 0, width, height, true);
  part.setFrameBuffer(whole);
  for (int ty = 0; ty < part.numYTiles(0); ++ty)
    for (int tx = 0; tx < part.numXTiles(0); ++tx) {
      part.readTile(tx, ty, 0, 0);
      const auto window = part.dataWindowForTile(tx, ty, 0, 0);
      drawn->add(window.min.x, window.min.y, width, static_cast<int>(extent(window.min.y, window.max.y)),
                 static_cast<int>(extent(window.min.x, window.max.x)));
    }
}

void add_facts(const Imf::Header& header, image_facts& facts, std::set<std::string>& layers) {
  if (header.hasName() && !header.name().empty())
    layers.insert(header.name());
  std::set<std::string> of_channels; // which OpenEXR empties first
  header.channels().layers(of_channels);
  layers.merge(of_channels);
  for (auto c = header.channels().begin(); c != header.channels().end(); ++c) {
    ++facts.channels;
    // The widest that occurs: a Blender image in half has its depth in float.
    if (c.channel().type == Imf::FLOAT || facts.type == "float")
      facts.type = "float";
    else if (c.channel().type == Imf::UINT && facts.type != "half")
      facts.type = "uint32";
    else
      facts.type = "half";
  }
}

} // namespace

result<image_facts> decode_exr(image_source& source, picture& drawn, std::string_view layer) {
  if (const auto fits = image::check_exr_attributes(source); !fits)
    return fits.error();
  exr_stream stream{source};
  int number = -1;
  try {
    // No threads; an offset table with holes is not repaired: such an image is not finished.
    Imf::MultiPartInputFile file{stream, 0, false};
    if (file.parts() > max_parts)
      return error{errc::corrupt, "OpenEXR: over 1024 parts"};
    const auto& window = file.header(0).dataWindow();
    image_facts facts{"OpenEXR",
                      static_cast<int>(extent(window.min.x, window.max.x)),
                      static_cast<int>(extent(window.min.y, window.max.y)),
                      0,
                      "",
                      {}};
    std::set<std::string> layers;
    auto chosen = drawn.is_wanted() ? choose_channels(file, layer) : std::nullopt;
    if (drawn.is_wanted() && !chosen && !layer.empty())
      return error{errc::corrupt, "OpenEXR: there is no layer \"" + std::string{layer} + "\" of this kind"};
    for (number = 0; number < file.parts(); ++number) {
      const auto& header = file.header(number);
      if (const auto fits = check_part(header); !fits)
        return fits.error();
      std::optional<exr_drawing> drawing;
      if (chosen && chosen->part == number)
        drawing.emplace(*chosen, header, drawn);
      auto* here = drawing && drawn.is_begun() ? &*drawing : nullptr;
      if (header.hasTileDescription())
        decode_tiles(file, number, here);
      else
        decode_lines(file, number, here);
      add_facts(header, facts, layers);
    }
    if (stream.furthest() != source.size())
      return error{errc::corrupt,
                   "OpenEXR: something follows the image (byte " + std::to_string(stream.furthest()) + ")"};
    facts.layers.assign(layers.begin(), layers.end());
    return facts;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& e) {
    const auto where = number < 0 ? std::string{"in the header"} : "part " + std::to_string(number);
    return error{errc::corrupt, std::string{"OpenEXR: "} + e.what() + " (" + where + ")"};
  }
}

} // namespace kiln::decoder

// SPDX-License-Identifier: Apache-2.0
#include "decoder/exr_drawing.hpp"

#include "decoder/formats.hpp"

#include <cstring>
#include <map>
#include <utility>

#include <ImfChannelList.h>
#include <half.h>

namespace kiln::decoder {
namespace {

constexpr std::array<std::array<std::string_view, 4>, 4> colour_names{
    {{"R", "G", "B", "A"}, {"r", "g", "b", "a"}, {"X", "Y", "Z", ""}, {"x", "y", "z", ""}}};

/// Of one layer: the last parts of its channels' names, each with the whole name.
using members = std::map<std::string, std::string, std::less<>>;

struct layer_of_file {
  std::string name;
  int part = 0;
  members channels;
};

std::vector<layer_of_file> list_layers(const Imf::MultiPartInputFile& file) {
  std::vector<layer_of_file> all;
  for (int part = 0; part < file.parts(); ++part) {
    const auto& header = file.header(part);
    const auto part_name = header.hasName() ? std::string{header.name()} : std::string{};
    for (auto c = header.channels().begin(); c != header.channels().end(); ++c) {
      if (c.channel().xSampling != 1 || c.channel().ySampling != 1)
        continue;
      const std::string name = c.name();
      const auto dot = name.rfind('.');
      auto layer = dot == std::string::npos ? std::string{} : name.substr(0, dot);
      if (!part_name.empty() && layer != part_name && !layer.starts_with(part_name + "."))
        layer = layer.empty() ? part_name : part_name + "." + layer;
      if (all.empty() || all.back().part != part || all.back().name != layer)
        all.push_back({layer, part, {}}); // channels of a layer follow each other: they are sorted
      all.back().channels[dot == std::string::npos ? name : name.substr(dot + 1)] = name;
    }
  }
  return all;
}

bool has_colours(const layer_of_file& of) {
  return of.channels.contains("R") || of.channels.contains("r");
}

/// Those of colour, else of a vector, else the first as grey.
exr_channels channels_of(const layer_of_file& layer) {
  exr_channels chosen{layer.part, {}};
  for (const auto& names : colour_names) {
    if (!layer.channels.contains(names[0]) || !layer.channels.contains(names[1]) ||
        !layer.channels.contains(names[2]))
      continue;
    for (std::size_t c = 0; c < 4; ++c)
      if (const auto found = layer.channels.find(names[c]); found != layer.channels.end())
        chosen.names[c] = found->second;
    return chosen;
  }
  const auto first = std::ranges::find_if(layer.channels, [](const auto& c) { return c.first != "A"; });
  chosen.names[0] = (first == layer.channels.end() ? layer.channels.begin() : first)->second;
  if (const auto alpha = layer.channels.find("A");
      alpha != layer.channels.end() && alpha->second != chosen.names[0])
    chosen.names[3] = alpha->second;
  return chosen;
}

bool is_combined(const layer_of_file& of) {
  return of.name == "Combined" || of.name.ends_with(".Combined");
}

} // namespace

std::optional<exr_channels> choose_channels(const Imf::MultiPartInputFile& file, std::string_view layer) {
  const auto all = list_layers(file);
  const auto matches = [&](const layer_of_file& one) {
    return one.name == layer ||
           (one.name.ends_with(layer) && one.name[one.name.size() - layer.size() - 1] == '.');
  };
  auto found = all.end();
  if (!layer.empty()) {
    found = std::ranges::find(all, layer, &layer_of_file::name);
    if (found == all.end())
      found = std::ranges::find_if(all, matches);
    return found == all.end() ? std::nullopt : std::optional{channels_of(*found)};
  }
  found = std::ranges::find_if(all, [](const auto& one) { return one.name.empty() && has_colours(one); });
  if (found == all.end())
    found = std::ranges::find_if(all, [](const auto& one) { return is_combined(one) && has_colours(one); });
  if (found == all.end())
    found = std::ranges::find_if(all, has_colours);
  if (found == all.end())
    found = all.begin();
  return found == all.end() ? std::nullopt : std::optional{channels_of(*found)};
}

exr_drawing::exr_drawing(const exr_channels& of, const Imf::Header& header, picture& into) : into_(into) {
  const auto& data = header.dataWindow();
  auto window = header.displayWindow();
  const auto width = extent(window.min.x, window.max.x), height = extent(window.min.y, window.max.y);
  // As large as the data at most: a few pixels may claim any display.
  if (width == 0 || height == 0 || width > max_side || height > max_side)
    window = data;
  left_ = window.min.x;
  top_ = window.min.y;
  for (std::size_t c = 0; c < 4; ++c) {
    channels_[c].name = of.names[c];
    if (const auto* found = header.channels().findChannel(of.names[c]))
      channels_[c].type = found->type;
  }
  into_.begin(extent(window.min.x, window.max.x), extent(window.min.y, window.max.y), true);
}

void exr_drawing::prepare(Imf::FrameBuffer& frame, int x, int y, int width, int height, bool is_tile) {
  for (auto& one : channels_) {
    if (one.name.empty())
      continue;
    const auto size = bytes_of(one.type);
    const auto line = size * static_cast<std::uint64_t>(width);
    one.block.resize(line * static_cast<std::uint64_t>(height));
    // OpenEXR takes the address of pixel (0, 0), which may be outside of the block.
    const auto base = reinterpret_cast<std::uintptr_t>(one.block.data()) -
                      static_cast<std::uintptr_t>(std::int64_t{x} * static_cast<std::int64_t>(size) +
                                                  std::int64_t{y} * static_cast<std::int64_t>(line));
    frame.insert(one.name,
                 Imf::Slice{one.type, reinterpret_cast<char*>(base), size, line, 1, 1, 0, is_tile, is_tile});
  }
}

void exr_drawing::add(int x, int y, int width, int rows, int columns) {
  const auto pixels = static_cast<std::size_t>(columns < 0 ? width : columns);
  row_.resize(pixels * 4);
  for (int line = 0; line < rows; ++line) {
    const auto at_row = std::int64_t{y} + line - top_;
    if (!into_.takes(at_row))
      continue;
    for (std::size_t c = 0; c < 4; ++c) {
      const auto& from = channels_[c];
      float* to = row_.data() + c;
      if (from.name.empty()) {
        for (std::size_t i = 0; i < pixels; ++i)
          to[i * 4] = c == 3 ? 1 : row_[i * 4]; // opaque, or grey
        continue;
      }
      const char* at = from.block.data() + static_cast<std::size_t>(line) * static_cast<std::size_t>(width) *
                                               static_cast<std::size_t>(bytes_of(from.type));
      const auto take = [&]<class Sample>(Sample) {
        for (std::size_t i = 0; i < pixels; ++i) {
          Sample value;
          std::memcpy(&value, at + i * sizeof value, sizeof value);
          to[i * 4] = static_cast<float>(value);
        }
      };
      if (from.type == Imf::HALF)
        take(half{});
      else if (from.type == Imf::FLOAT)
        take(float{});
      else
        take(std::uint32_t{});
    }
    into_.add(at_row, std::int64_t{x} - left_, static_cast<std::int64_t>(pixels), row_.data());
  }
}

} // namespace kiln::decoder

// SPDX-License-Identifier: Apache-2.0
#include "decoder/formats.hpp"

#include <memory>

#include <webp/decode.h>
#include <webp/demux.h>

namespace kiln::decoder {
namespace {

struct demux_delete {
  void operator()(WebPDemuxer* demuxer) const { WebPDemuxDelete(demuxer); }
};

struct iterator {
  iterator() = default;
  iterator(const iterator&) = delete;
  iterator& operator=(const iterator&) = delete;
  ~iterator() { WebPDemuxReleaseIterator(&at); }
  WebPIterator at{};
};

} // namespace

result<image_facts> decode_webp(image_source& file, picture& drawn) {
  // libwebp reads from memory; the files are small: 16383 pixels a side at most.
  if (file.size() > max_buffer)
    return error{errc::corrupt, "WebP: the file is larger than 1 GiB"};
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(file.size()));
  if (const auto got = file.read(0, std::as_writable_bytes(std::span{bytes})); !got)
    return got.error();
  // RIFF: "RIFF", size of the rest (little endian), "WEBP".
  const std::uint64_t announced = 8 + (std::uint64_t{bytes[4]} | std::uint64_t{bytes[5]} << 8 |
                                       std::uint64_t{bytes[6]} << 16 | std::uint64_t{bytes[7]} << 24);
  if (announced != bytes.size())
    return error{errc::corrupt, "WebP: the header announces " + std::to_string(announced) +
                                    " bytes, and the file has " + std::to_string(bytes.size())};

  const WebPData data{bytes.data(), bytes.size()};
  const std::unique_ptr<WebPDemuxer, demux_delete> demuxer{WebPDemux(&data)};
  if (!demuxer)
    return error{errc::corrupt, "WebP: the chunks are broken or cut off"};
  const auto width = WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_WIDTH);
  const auto height = WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_HEIGHT);
  if (const auto fits = check_dimensions("WebP", width, height, 0); !fits)
    return fits.error();

  iterator frame;
  bool has_alpha = false;
  for (int more = WebPDemuxGetFrame(demuxer.get(), 1, &frame.at); more;
       more = WebPDemuxNextFrame(&frame.at)) {
    const auto where = " (frame " + std::to_string(frame.at.frame_num) + ")";
    WebPBitstreamFeatures features{};
    if (WebPGetFeatures(frame.at.fragment.bytes, frame.at.fragment.size, &features) != VP8_STATUS_OK)
      return error{errc::corrupt, "WebP: the header of the pixels is broken" + where};
    const auto frame_width = static_cast<std::uint64_t>(features.width);
    const auto frame_height = static_cast<std::uint64_t>(features.height);
    if (const auto fits = check_dimensions("WebP", frame_width, frame_height, frame_width * frame_height * 4);
        !fits)
      return fits.error();
    int got_width = 0;
    int got_height = 0;
    const std::unique_ptr<std::uint8_t, decltype(&WebPFree)> pixels{
        WebPDecodeRGBA(frame.at.fragment.bytes, frame.at.fragment.size, &got_width, &got_height), WebPFree};
    if (!pixels)
      return error{errc::corrupt, "WebP: the pixels are broken or cut off" + where};
    has_alpha = has_alpha || features.has_alpha;
    if (frame.at.frame_num == 1) {
      drawn.begin(frame_width, frame_height, false);
      for (std::int64_t y = 0; y < got_height; ++y)
        drawn.add(y, 0, 1, got_width, {pixels.get() + y * got_width * 4, 4, 4, 1});
    }
  }
  if (frame.at.frame_num == 0)
    return error{errc::corrupt, "WebP: there is no image in it"};
  if (frame.at.frame_num != frame.at.num_frames)
    return error{errc::corrupt, "WebP: frames are missing"};
  return image_facts{"WebP", static_cast<int>(width), static_cast<int>(height), has_alpha ? 4 : 3, "uint8",
                     {}};
}

} // namespace kiln::decoder

// SPDX-License-Identifier: Apache-2.0
#include "decoder/formats.hpp"

#include <cstdarg>
#include <cstdio>
#include <memory>

#include <tiffio.h>

namespace kiln::decoder {
namespace {

constexpr int max_pages = 4096;

struct tiff_reading {
  image_source& file;
  std::uint64_t offset = 0;
  std::string failure = {}; ///< the first message
};

tiff_reading& tiff_of(thandle_t handle) {
  return *static_cast<tiff_reading*>(handle);
}

tmsize_t take_bytes(thandle_t handle, void* into, tmsize_t size) {
  auto& r = tiff_of(handle);
  const auto left = r.file.size() - std::min(r.offset, r.file.size());
  const auto there = std::min(static_cast<std::uint64_t>(std::max<tmsize_t>(size, 0)), left);
  // libtiff continues without a tag whose value is missing; such a file is truncated.
  if (there < static_cast<std::uint64_t>(size) && r.failure.empty())
    r.failure = "ends too early (byte " + std::to_string(r.file.size()) + ")";
  if (there == 0)
    return 0; // libtiff may seek past the end, where no bytes are
  const std::span bytes{static_cast<std::byte*>(into), static_cast<std::size_t>(there)};
  if (!r.file.read(r.offset, bytes))
    return -1;
  r.offset += there;
  return static_cast<tmsize_t>(there);
}

toff_t seek(thandle_t handle, toff_t to, int whence) {
  auto& r = tiff_of(handle);
  r.offset = whence == SEEK_SET ? to : to + (whence == SEEK_CUR ? r.offset : r.file.size());
  return r.offset;
}

int on_error(TIFF*, void* user, const char*, const char* format, va_list arguments) {
  auto& r = *static_cast<tiff_reading*>(user);
  char text[512];
  std::vsnprintf(text, sizeof text, format, arguments);
  if (r.failure.empty())
    r.failure = text;
  return 1; // handled: libtiff prints nothing
}

int on_warning(TIFF*, void*, const char*, const char*, va_list) {
  return 1; // unknown tags and similar
}

struct closing {
  void operator()(TIFF* tiff) const { TIFFClose(tiff); }
  void operator()(TIFFOpenOptions* options) const { TIFFOpenOptionsFree(options); }
};

std::string sample_type(TIFF* tiff) {
  std::uint16_t bits = 1;
  std::uint16_t format = SAMPLEFORMAT_UINT;
  TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &bits);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLEFORMAT, &format);
  if (format == SAMPLEFORMAT_IEEEFP)
    return bits <= 16 ? "half" : bits <= 32 ? "float" : "double";
  return bits <= 8 ? "uint8" : bits <= 16 ? "uint16" : "uint32";
}

/// Decodes each strip or tile of the current page. Returns false if one is broken.
bool decode_page(TIFF* tiff, std::vector<std::byte>& buffer) {
  const bool tiled = TIFFIsTiled(tiff);
  const auto count = tiled ? TIFFNumberOfTiles(tiff) : TIFFNumberOfStrips(tiff);
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto size = static_cast<tmsize_t>(buffer.size());
    const auto got = tiled ? TIFFReadEncodedTile(tiff, i, buffer.data(), size)
                           : TIFFReadEncodedStrip(tiff, i, buffer.data(), size);
    if (got < 0)
      return false;
  }
  return true;
}

} // namespace

result<image_facts> decode_tiff(image_source& file) {
  tiff_reading r{.file = file};
  const std::unique_ptr<TIFFOpenOptions, closing> options{TIFFOpenOptionsAlloc()};
  if (!options)
    throw std::bad_alloc{};
  TIFFOpenOptionsSetMaxSingleMemAlloc(options.get(), static_cast<tmsize_t>(max_buffer));
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), on_error, &r);
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), on_warning, &r);
  const auto write_nothing = [](thandle_t, void*, tmsize_t) -> tmsize_t { return -1; };
  const auto close_nothing = [](thandle_t) { return 0; };
  const auto size_of = [](thandle_t handle) -> toff_t { return tiff_of(handle).file.size(); };
  // 'm': without memory mapping.
  const std::unique_ptr<TIFF, closing> tiff{TIFFClientOpenExt("image", "rm", &r, take_bytes, write_nothing,
                                                              seek, close_nothing, size_of, nullptr, nullptr,
                                                              options.get())};
  int page = 0;
  const auto broken = [&] {
    return error{errc::corrupt, "TIFF: " + (r.failure.empty() ? "broken" : r.failure) + " (page " +
                                    std::to_string(page) + ")"};
  };
  if (!tiff)
    return broken();
  image_facts facts{.format = "TIFF", .type = {}, .layers = {}};
  std::vector<std::byte> buffer;
  do {
    std::uint32_t width = 0;
    std::uint32_t height = 0;
    TIFFGetField(tiff.get(), TIFFTAG_IMAGEWIDTH, &width);
    TIFFGetField(tiff.get(), TIFFTAG_IMAGELENGTH, &height);
    const auto size = TIFFIsTiled(tiff.get()) ? TIFFTileSize64(tiff.get()) : TIFFStripSize64(tiff.get());
    if (const auto fits = check_dimensions("TIFF", width, height, size); !fits)
      return fits.error();
    if (size == 0)
      return broken();
    if (page == 0) {
      std::uint16_t channels = 1;
      TIFFGetFieldDefaulted(tiff.get(), TIFFTAG_SAMPLESPERPIXEL, &channels);
      facts.width = static_cast<int>(width);
      facts.height = static_cast<int>(height);
      facts.channels = channels;
      facts.type = sample_type(tiff.get());
    }
    buffer.resize(static_cast<std::size_t>(size));
    if (!decode_page(tiff.get(), buffer) || !r.failure.empty())
      return broken();
    if (++page > max_pages)
      return error{errc::corrupt, "TIFF: over 4096 pages"};
  } while (TIFFReadDirectory(tiff.get()));
  if (!r.failure.empty())
    return broken();
  return facts;
}

} // namespace kiln::decoder

// SPDX-License-Identifier: Apache-2.0
#include "decoder/formats.hpp"

#include <algorithm>
#include <bit>
#include <cstdarg>
#include <cstdio>
#include <cstring>
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

/// Adds a page to a picture, strip by strip or tile by tile.
class page_drawing {
public:
  /// Null if the pixels are of a kind that is not drawn.
  static std::unique_ptr<page_drawing> of(TIFF* tiff, picture& into, std::uint32_t width,
                                          std::uint32_t height) {
    auto made = std::unique_ptr<page_drawing>{new page_drawing{into, width}};
    std::uint16_t bits = 1, kind = SAMPLEFORMAT_UINT, planes = PLANARCONFIG_CONTIG, colours = 0;
    TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &bits);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLEFORMAT, &kind);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_PLANARCONFIG, &planes);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &made->samples_);
    TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &colours);
    made->is_float_ = kind == SAMPLEFORMAT_IEEEFP && bits == 32;
    const bool is_known = made->is_float_ || (kind == SAMPLEFORMAT_UINT && (bits == 8 || bits == 16));
    const int fewest = colours == PHOTOMETRIC_RGB ? 3 : 1;
    if (!is_known || planes != PLANARCONFIG_CONTIG || made->samples_ < fewest ||
        (colours != PHOTOMETRIC_RGB && colours != PHOTOMETRIC_MINISBLACK))
      return nullptr;
    made->channels_ = fewest + (made->samples_ > fewest ? 1 : 0);
    std::uint16_t further = 0, *kinds = nullptr;
    made->is_associated_ = TIFFGetField(tiff, TIFFTAG_EXTRASAMPLES, &further, &kinds) != 0 && further > 0 &&
                           kinds && kinds[0] == EXTRASAMPLE_ASSOCALPHA;
    made->bytes_ = bits / 8;
    if (TIFFIsTiled(tiff)) {
      TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &made->piece_width_);
      TIFFGetField(tiff, TIFFTAG_TILELENGTH, &made->piece_height_);
    } else {
      TIFFGetFieldDefaulted(tiff, TIFFTAG_ROWSPERSTRIP, &made->piece_height_);
      made->piece_height_ = std::min(made->piece_height_, height); // it may be "all" by its largest value
    }
    if (made->piece_width_ == 0 || made->piece_height_ == 0)
      return nullptr;
    into.begin(width, height, made->is_float_);
    return into.is_begun() ? std::move(made) : nullptr;
  }

  /// `got`: bytes of the piece that are there.
  void add(std::uint32_t piece, const std::vector<std::byte>& buffer, std::size_t got) {
    const std::uint32_t across = (width_ + piece_width_ - 1) / piece_width_;
    const std::int64_t x = std::int64_t{piece % across} * piece_width_;
    const std::int64_t y = std::int64_t{piece / across} * piece_height_;
    const std::size_t line = std::size_t{piece_width_} * samples_ * bytes_;
    for (std::uint32_t i = 0; i < piece_height_ && line * (i + 1) <= got; ++i)
      if (into_.takes(y + i))
        add_line(y + i, x, buffer.data() + line * i);
  }

private:
  page_drawing(picture& into, std::uint32_t width) : into_(into), width_(width), piece_width_(width) {}

  void add_line(std::int64_t y, std::int64_t x, const std::byte* line) {
    if (!is_float_) {
      const auto* first =
          reinterpret_cast<const std::uint8_t*>(line) + // the upper byte, of this machine's order
          (bytes_ == 2 && std::endian::native == std::endian::little ? 1 : 0);
      into_.add(y, x, 1, piece_width_, {first, channels_, samples_ * bytes_, bytes_, is_associated_});
      return;
    }
    floats_.resize(std::size_t{piece_width_} * 4);
    const bool has_alpha = channels_ == 2 || channels_ == 4;
    for (std::size_t i = 0; i < piece_width_; ++i) {
      const auto sample = [&](int channel) {
        float value = 0;
        std::memcpy(&value, line + (i * samples_ + static_cast<std::size_t>(channel)) * sizeof value,
                    sizeof value);
        return value;
      };
      const float alpha = has_alpha ? sample(channels_ - 1) : 1;
      const float weight = has_alpha && !is_associated_ ? alpha : 1;
      for (int c = 0; c < 3; ++c)
        floats_[i * 4 + static_cast<std::size_t>(c)] = sample(channels_ < 3 ? 0 : c) * weight;
      floats_[i * 4 + 3] = alpha;
    }
    into_.add(y, x, piece_width_, floats_.data());
  }

  picture& into_;
  std::uint32_t width_;
  std::uint32_t piece_width_, piece_height_ = 1;
  std::uint16_t samples_ = 1; ///< of a pixel
  int channels_ = 1;          ///< of those that are drawn
  std::size_t bytes_ = 1;     ///< of a sample
  bool is_float_ = false, is_associated_ = false;
  std::vector<float> floats_;
};

/// Decodes each strip or tile of the current page. Returns false if one is broken.
bool decode_page(TIFF* tiff, std::vector<std::byte>& buffer, page_drawing* drawing) {
  const bool tiled = TIFFIsTiled(tiff);
  const auto count = tiled ? TIFFNumberOfTiles(tiff) : TIFFNumberOfStrips(tiff);
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto size = static_cast<tmsize_t>(buffer.size());
    const auto got = tiled ? TIFFReadEncodedTile(tiff, i, buffer.data(), size)
                           : TIFFReadEncodedStrip(tiff, i, buffer.data(), size);
    if (got < 0)
      return false;
    if (drawing)
      drawing->add(i, buffer, static_cast<std::size_t>(got));
  }
  return true;
}

} // namespace

result<image_facts> decode_tiff(image_source& file, picture& drawn) {
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
    const auto drawing = page == 0 ? page_drawing::of(tiff.get(), drawn, width, height) : nullptr;
    if (!decode_page(tiff.get(), buffer, drawing.get()) || !r.failure.empty())
      return broken();
    if (++page > max_pages)
      return error{errc::corrupt, "TIFF: over 4096 pages"};
  } while (TIFFReadDirectory(tiff.get()));
  if (!r.failure.empty())
    return broken();
  return facts;
}

} // namespace kiln::decoder

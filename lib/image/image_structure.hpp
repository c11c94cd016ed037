// SPDX-License-Identifier: Apache-2.0
//
// Checks the structure of PNG, JPEG and OpenEXR files: every part required by the format is present and
// complete, and nothing follows. Pixels are not decoded. Pure: bytes come from an image_source.
#pragma once

#include "base/error.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace kiln::image {

/// The source of a check.
class image_source {
public:
  [[nodiscard]] virtual std::uint64_t size() const = 0;
  /// Fills `into` from `offset` on: all of it (the caller has asked for size()), or an error.
  [[nodiscard]] virtual result<void> read(std::uint64_t offset, std::span<std::byte> into) = 0;

protected:
  ~image_source() = default;
};

/// The name of the format. By the first bytes: PNG (ISO/IEC 15948: signature, chunks with their CRC, IHDR
/// first, IDAT, IEND last), JPEG (ITU-T T.81: SOI, marker segments, a frame, scans, EOI last) or OpenEXR
/// (header attributes, and an offset table without holes whose chunks lie in the file). corrupt, with the
/// reason and the byte, unless all of it holds. Memory: 64 KiB, plus 8 bytes for each line of an OpenEXR
/// image (at most 65536 chunks are taken).
[[nodiscard]] result<std::string> check_image_structure(image_source& file);

} // namespace kiln::image

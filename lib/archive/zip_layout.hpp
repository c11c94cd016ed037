// SPDX-License-Identifier: Apache-2.0
//
// The layout of a zip archive of stored files (PKWARE's APPNOTE 6.3.10): its size and the place of every byte
// follow from names, sizes and times alone, so that any range of it can be made. The files' bytes are not its
// subject. Pure.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kiln::archive {

struct zip_entry {
  std::string name; ///< in UTF-8, at most 65,535 bytes
  std::uint64_t size = 0;
  std::chrono::sys_seconds modified;
};

/// CRC-32 of what `so_far` belongs to (0: nothing) and `more` behind it.
[[nodiscard]] std::uint32_t add_to_crc(std::uint32_t so_far, std::string_view more) noexcept;

class zip_layout {
public:
  explicit zip_layout(std::vector<zip_entry> entries);

  [[nodiscard]] const std::vector<zip_entry>& entries() const noexcept { return entries_; }
  /// Of the whole archive, in bytes.
  [[nodiscard]] std::uint64_t size() const noexcept;

  /// The parts of the archive: first a header and the bytes for each entry, then a record for each, then the
  /// end.
  enum class part { header, bytes, record, end };
  struct place {
    part in;
    std::size_t entry = 0;    ///< except for the end
    std::uint64_t offset = 0; ///< within the part
  };
  /// Of a byte below size().
  [[nodiscard]] place find(std::uint64_t at) const noexcept;

  /// `crc`: of the entry's bytes.
  [[nodiscard]] std::string header(std::size_t entry, std::uint32_t crc) const;
  [[nodiscard]] std::string record(std::size_t entry, std::uint32_t crc) const;
  [[nodiscard]] std::string end() const;

private:
  [[nodiscard]] std::uint64_t directory_size() const noexcept {
    return record_at_.back() - record_at_.front();
  }
  [[nodiscard]] bool is_large() const noexcept; ///< its end needs Zip64

  std::vector<zip_entry> entries_;
  std::vector<std::uint64_t> header_at_; ///< offset in the archive, one for each entry
  std::vector<std::uint64_t> record_at_; ///< and one more: of the end
};

} // namespace kiln::archive

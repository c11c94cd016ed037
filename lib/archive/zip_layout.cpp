// SPDX-License-Identifier: Apache-2.0
#include "archive/zip_layout.hpp"

#include <algorithm>
#include <iterator>

#include <zlib.h>

namespace kiln::archive {
namespace {

// Numbers of APPNOTE 4.3 and 4.4. A field that holds its greatest value is to be found in a Zip64 extra
// field.
constexpr std::uint64_t limit_16 = 0xFFFF;
constexpr std::uint64_t limit_32 = 0xFFFF'FFFF;
constexpr unsigned version_plain = 20;
constexpr unsigned version_zip64 = 45;
constexpr unsigned made_on_unix = 3U << 8U;
constexpr unsigned utf8_names = 1U << 11U;
constexpr std::uint64_t mode = std::uint64_t{0100644} << 16U;
constexpr std::size_t header_size = 30;
constexpr std::size_t record_size = 46;
constexpr std::size_t end_size = 22;
constexpr std::size_t zip64_end_size = 56;
constexpr std::size_t zip64_locator_size = 20;
constexpr std::size_t extra_head = 4;
constexpr std::size_t time_extra_size = extra_head + 5;

/// Appends numbers, the lowest byte first.
class byte_writer {
public:
  byte_writer& u8(std::uint64_t value) { return put(value, 1); }
  byte_writer& u16(std::uint64_t value) { return put(value, 2); }
  byte_writer& u32(std::uint64_t value) { return put(value, 4); }
  byte_writer& u64(std::uint64_t value) { return put(value, 8); }
  byte_writer& text(std::string_view bytes) {
    out_ += bytes;
    return *this;
  }
  [[nodiscard]] std::string take() { return std::move(out_); }

private:
  byte_writer& put(std::uint64_t value, int bytes) {
    for (; bytes > 0; --bytes, value >>= 8U)
      out_ += static_cast<char>(value & 0xFFU);
    return *this;
  }
  std::string out_;
};

bool is_over(std::uint64_t value) noexcept {
  return value >= limit_32;
}

/// MS-DOS has two seconds, and the years 1980 to 2107. In UTC, so that the bytes depend on nothing else.
std::uint64_t dos_time(std::chrono::sys_seconds t) {
  using namespace std::chrono;
  const auto day = floor<days>(t);
  const year_month_day date{day};
  if (date.year() < year{1980})
    return (1U << 21U) | (1U << 16U);
  const hh_mm_ss time{std::min(t - day, seconds{86'399})};
  const auto years = static_cast<unsigned>(std::min(static_cast<int>(date.year()), 2107) - 1980);
  return (years << 25U) | (static_cast<unsigned>(date.month()) << 21U) |
         (static_cast<unsigned>(date.day()) << 16U) | (static_cast<unsigned>(time.hours().count()) << 11U) |
         (static_cast<unsigned>(time.minutes().count()) << 5U) |
         static_cast<unsigned>(time.seconds().count() / 2);
}

/// Info-ZIP's extra field with the time of modification in seconds since 1970.
void add_time(byte_writer& to, std::chrono::sys_seconds t) {
  constexpr std::int64_t latest = 0x7FFF'FFFF;
  const auto seconds = std::clamp<std::int64_t>(t.time_since_epoch().count(), 0, latest);
  to.u16(0x5455).u16(5).u8(1).u32(static_cast<std::uint64_t>(seconds));
}

std::size_t header_zip64(const zip_entry& entry) noexcept {
  return is_over(entry.size) ? extra_head + 16 : 0;
}

std::size_t record_zip64(const zip_entry& entry, std::uint64_t at) noexcept {
  const std::size_t numbers = (is_over(entry.size) ? 2U : 0U) + (is_over(at) ? 1U : 0U);
  return numbers > 0 ? extra_head + 8 * numbers : 0;
}

} // namespace

std::uint32_t add_to_crc(std::uint32_t so_far, std::string_view more) noexcept {
  return static_cast<std::uint32_t>(
      ::crc32_z(so_far, reinterpret_cast<const unsigned char*>(more.data()), more.size()));
}

zip_layout::zip_layout(std::vector<zip_entry> entries) : entries_(std::move(entries)) {
  header_at_.reserve(entries_.size());
  record_at_.reserve(entries_.size() + 1);
  std::uint64_t at = 0;
  for (const auto& entry : entries_) {
    header_at_.push_back(at);
    at += header_size + entry.name.size() + time_extra_size + header_zip64(entry) + entry.size;
  }
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    record_at_.push_back(at);
    const auto& entry = entries_[i];
    at += record_size + entry.name.size() + time_extra_size + record_zip64(entry, header_at_[i]);
  }
  record_at_.push_back(at);
}

bool zip_layout::is_large() const noexcept {
  return entries_.size() >= limit_16 || is_over(directory_size()) || is_over(record_at_.front());
}

std::uint64_t zip_layout::size() const noexcept {
  return record_at_.back() + end_size + (is_large() ? zip64_end_size + zip64_locator_size : 0);
}

zip_layout::place zip_layout::find(std::uint64_t at) const noexcept {
  const auto last_before = [at](const std::vector<std::uint64_t>& offsets) {
    return static_cast<std::size_t>(std::ranges::upper_bound(offsets, at) - offsets.begin()) - 1;
  };
  if (at >= record_at_.back())
    return {part::end, 0, at - record_at_.back()};
  if (at >= record_at_.front()) {
    const auto i = last_before(record_at_);
    return {part::record, i, at - record_at_[i]};
  }
  const auto i = last_before(header_at_);
  const auto next = i + 1 < header_at_.size() ? header_at_[i + 1] : record_at_.front();
  const auto bytes_at = next - entries_[i].size;
  return at < bytes_at ? place{part::header, i, at - header_at_[i]} : place{part::bytes, i, at - bytes_at};
}

std::string zip_layout::header(std::size_t i, std::uint32_t crc) const {
  const auto& entry = entries_[i];
  const auto zip64 = header_zip64(entry);
  const auto size = std::min(entry.size, limit_32);
  byte_writer out;
  out.u32(0x0403'4B50).u16(zip64 > 0 ? version_zip64 : version_plain).u16(utf8_names).u16(0);
  out.u32(dos_time(entry.modified)).u32(crc).u32(size).u32(size);
  out.u16(entry.name.size()).u16(time_extra_size + zip64).text(entry.name);
  add_time(out, entry.modified);
  if (zip64 > 0)
    out.u16(1).u16(zip64 - extra_head).u64(entry.size).u64(entry.size);
  return out.take();
}

std::string zip_layout::record(std::size_t i, std::uint32_t crc) const {
  const auto& entry = entries_[i];
  const auto at = header_at_[i];
  const auto zip64 = record_zip64(entry, at);
  const auto version = zip64 > 0 ? version_zip64 : version_plain;
  const auto size = std::min(entry.size, limit_32);
  byte_writer out;
  out.u32(0x0201'4B50).u16(made_on_unix | version).u16(version).u16(utf8_names).u16(0);
  out.u32(dos_time(entry.modified)).u32(crc).u32(size).u32(size);
  out.u16(entry.name.size()).u16(time_extra_size + zip64).u16(0).u16(0).u16(0).u32(mode);
  out.u32(std::min(at, limit_32)).text(entry.name);
  add_time(out, entry.modified);
  if (zip64 > 0) {
    out.u16(1).u16(zip64 - extra_head);
    if (is_over(entry.size))
      out.u64(entry.size).u64(entry.size);
    if (is_over(at))
      out.u64(at);
  }
  return out.take();
}

std::string zip_layout::end() const {
  const auto count = entries_.size();
  const auto at = record_at_.front();
  byte_writer out;
  if (is_large()) {
    out.u32(0x0606'4B50).u64(zip64_end_size - 12).u16(made_on_unix | version_zip64).u16(version_zip64);
    out.u32(0).u32(0).u64(count).u64(count).u64(directory_size()).u64(at);
    out.u32(0x0706'4B50).u32(0).u64(record_at_.back()).u32(1);
  }
  const auto shown = std::min<std::uint64_t>(count, limit_16);
  out.u32(0x0605'4B50).u16(0).u16(0).u16(shown).u16(shown);
  out.u32(std::min(directory_size(), limit_32)).u32(std::min(at, limit_32)).u16(0);
  return out.take();
}

} // namespace kiln::archive

// SPDX-License-Identifier: Apache-2.0
#include "archive/zip_layout.hpp"
#include "support/temp_directory.hpp"

#include <gtest/gtest.h>

#include <clocale>
#include <fstream>
#include <map>

#include <archive.h>
#include <archive_entry.h>

namespace kiln::archive {
namespace {

namespace fs = std::filesystem;
using part = zip_layout::part;

const std::chrono::sys_seconds then{std::chrono::seconds{1'700'000'001}};

/// The archive of files with these bytes.
std::string whole(const zip_layout& layout, const std::vector<std::string>& bytes) {
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    out += layout.header(i, add_to_crc(0, bytes[i])) + bytes[i];
  for (std::size_t i = 0; i < bytes.size(); ++i)
    out += layout.record(i, add_to_crc(0, bytes[i]));
  return out + layout.end();
}

zip_layout layout_of(const std::map<std::string, std::string>& files, std::vector<std::string>& bytes) {
  std::vector<zip_entry> entries;
  for (const auto& [name, content] : files) {
    entries.push_back({name, content.size(), then});
    bytes.push_back(content);
  }
  return zip_layout{std::move(entries)};
}

class reader {
public:
  reader() { ::archive_read_support_format_zip(archive_); }
  reader(const reader&) = delete;
  reader& operator=(const reader&) = delete;
  ~reader() { ::archive_read_free(archive_); }
  ::archive* operator()() const noexcept { return archive_; }

private:
  ::archive* archive_ = ::archive_read_new();
};

/// What a reader finds in it.
std::map<std::string, std::string> files_in(const std::string& zip) {
  std::map<std::string, std::string> found;
  const reader from;
  EXPECT_EQ(::archive_read_open_memory(from(), zip.data(), zip.size()), ARCHIVE_OK);
  ::archive_entry* entry = nullptr;
  while (::archive_read_next_header(from(), &entry) == ARCHIVE_OK) {
    const std::string name = ::archive_entry_pathname_utf8(entry);
    EXPECT_EQ(::archive_entry_mtime(entry), then.time_since_epoch().count()) << name;
    EXPECT_EQ(::archive_entry_mode(entry), 0100644U) << name;
    std::string content(1'000'000, ' ');
    const auto size = ::archive_read_data(from(), content.data(), content.size());
    EXPECT_GE(size, 0) << ::archive_error_string(from());
    found[name] = content.substr(0, static_cast<std::size_t>(std::max<la_ssize_t>(size, 0)));
  }
  return found;
}

TEST(zip_layout, what_is_laid_out_is_read) {
  ASSERT_TRUE(std::setlocale(LC_ALL, "C.UTF-8")); // libarchive converts names
  const std::map<std::string, std::string> files{
      {"a.png", "abcdef"}, {"b.png", std::string(300'000, 'x')}, {"empty.png", ""}, {"größe.png", "ü"}};
  std::vector<std::string> bytes;
  const auto layout = layout_of(files, bytes);
  const auto zip = whole(layout, bytes);
  EXPECT_EQ(files_in(zip), files);
  EXPECT_EQ(zip.size(), layout.size());
}

TEST(zip_layout, an_archive_of_nothing_is_one) {
  const zip_layout layout{{}};
  EXPECT_TRUE(files_in(layout.end()).empty());
  EXPECT_EQ(layout.end().size(), layout.size());
  EXPECT_EQ(layout.find(0).in, part::end);
}

TEST(zip_layout, each_byte_has_its_place) {
  std::vector<std::string> bytes;
  const auto layout = layout_of({{"a", "12345"}, {"b", ""}, {"c", "1"}}, bytes);
  const auto zip = whole(layout, bytes);
  for (std::size_t at = 0; at < zip.size(); ++at) {
    const auto place = layout.find(at);
    const auto crc = add_to_crc(0, bytes[place.entry]);
    const auto text = place.in == part::header   ? layout.header(place.entry, crc)
                      : place.in == part::bytes  ? bytes[place.entry]
                      : place.in == part::record ? layout.record(place.entry, crc)
                                                 : layout.end();
    ASSERT_LT(place.offset, text.size()) << at;
    EXPECT_EQ(text[place.offset], zip[at]) << at;
  }
}

/// Times that MS-DOS or a signed number of 32 bits has no words for.
TEST(zip_layout, any_time_is_written) {
  for (const std::int64_t seconds : {0LL, 315'532'799LL, 4'354'819'199LL, 253'402'300'799LL}) {
    const zip_layout layout{{{"a", 1, std::chrono::sys_seconds{std::chrono::seconds{seconds}}}}};
    EXPECT_EQ(layout.header(0, 0).size() + 1 + layout.record(0, 0).size() + layout.end().size(),
              layout.size());
  }
}

/// The sizes that a reader finds in an archive whose files are holes.
std::vector<std::int64_t> sizes_in(const zip_layout& layout) {
  const tests::temp_directory dir;
  const auto path = dir / "large.zip";
  {
    std::ofstream out{path, std::ios::binary};
    std::uint64_t at = 0;
    for (std::size_t i = 0; i < layout.entries().size(); ++i) {
      const auto header = layout.header(i, 0);
      out << header;
      at += header.size() + layout.entries()[i].size;
      out.seekp(static_cast<std::streamoff>(at));
    }
    for (std::size_t i = 0; i < layout.entries().size(); ++i)
      out << layout.record(i, 0);
    out << layout.end();
  }
  EXPECT_EQ(fs::file_size(path), layout.size());
  const reader from;
  EXPECT_EQ(::archive_read_open_filename(from(), path.c_str(), 65'536), ARCHIVE_OK);
  std::vector<std::int64_t> sizes;
  ::archive_entry* entry = nullptr;
  int status = ARCHIVE_OK;
  while ((status = ::archive_read_next_header(from(), &entry)) == ARCHIVE_OK) {
    EXPECT_EQ(::archive_entry_mtime(entry), then.time_since_epoch().count());
    sizes.push_back(::archive_entry_size(entry));
  }
  EXPECT_EQ(status, ARCHIVE_EOF) << ::archive_error_string(from());
  return sizes;
}

TEST(zip_layout, files_and_archives_of_more_than_4_GB) {
  constexpr std::int64_t limit = 0xFFFF'FFFF;
  for (const auto& sizes : std::vector<std::vector<std::int64_t>>{{limit - 1, 3},
                                                                  {limit, 3},
                                                                  {limit + 1, 3},
                                                                  {3, 6'000'000'000, 0, 5'000'000'000, 1},
                                                                  {limit - 36}}) {
    std::vector<zip_entry> entries;
    for (const auto size : sizes)
      entries.push_back({std::to_string(entries.size()), static_cast<std::uint64_t>(size), then});
    EXPECT_EQ(sizes_in(zip_layout{std::move(entries)}), sizes);
  }
}

TEST(zip_layout, more_than_65535_files) {
  for (const std::size_t count : {65'534U, 65'535U, 65'536U}) {
    std::vector<zip_entry> entries;
    for (std::size_t i = 0; i < count; ++i)
      entries.push_back({std::to_string(i), 0, then});
    EXPECT_EQ(sizes_in(zip_layout{std::move(entries)}).size(), count);
  }
}

} // namespace
} // namespace kiln::archive

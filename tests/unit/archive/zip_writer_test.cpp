// SPDX-License-Identifier: Apache-2.0
#include "archive/zip_writer.hpp"

#include <gtest/gtest.h>

#include <map>
#include <stdexcept>

#include <archive.h>
#include <archive_entry.h>

namespace kiln::archive {
namespace {

const std::chrono::sys_seconds then{std::chrono::seconds{1'700'000'000}};

/// What a reader finds in it.
std::map<std::string, std::string> files_in(const std::string& zip) {
  std::map<std::string, std::string> found;
  auto* reader = ::archive_read_new();
  ::archive_read_support_format_zip(reader);
  EXPECT_EQ(::archive_read_open_memory(reader, zip.data(), zip.size()), ARCHIVE_OK);
  ::archive_entry* entry = nullptr;
  while (::archive_read_next_header(reader, &entry) == ARCHIVE_OK) {
    const std::string name = ::archive_entry_pathname(entry);
    EXPECT_EQ(::archive_entry_mtime(entry), then.time_since_epoch().count()) << name;
    std::string content(1'000'000, ' ');
    const auto size = ::archive_read_data(reader, content.data(), content.size());
    EXPECT_GE(size, 0) << ::archive_error_string(reader);
    found[name] = content.substr(0, static_cast<std::size_t>(std::max<la_ssize_t>(size, 0)));
  }
  ::archive_read_free(reader);
  return found;
}

TEST(zip_writer, what_is_written_is_read) {
  zip_writer zip;
  std::string out;
  zip.begin_file("a.png", 6, then);
  zip.write("abc");
  out += zip.take();
  EXPECT_NE(out.find("abc"), std::string::npos) << "nothing is held back";
  zip.write("def");
  zip.begin_file("empty.png", 0, then);
  const std::string large(300'000, 'x');
  zip.begin_file("b.png", large.size(), then);
  zip.write(large);
  zip.finish();
  out += zip.take();
  EXPECT_EQ(files_in(out),
            (std::map<std::string, std::string>{{"a.png", "abcdef"}, {"empty.png", ""}, {"b.png", large}}));
  EXPECT_GT(out.size(), large.size()) << "nothing is compressed";
}

TEST(zip_writer, an_archive_of_nothing_is_one) {
  zip_writer zip;
  zip.finish();
  EXPECT_TRUE(files_in(zip.take()).empty());
}

TEST(zip_writer, a_file_is_not_longer_than_it_says) {
  zip_writer zip;
  zip.begin_file("a.png", 3, then);
  EXPECT_THROW(zip.write("abcd"), std::runtime_error);
}

/// Under the sanitizers: it leaves no memory, and does not wait for the announced bytes.
TEST(zip_writer, what_is_given_up_is_let_go) {
  { zip_writer never_begun; }
  zip_writer zip;
  zip.begin_file("a.png", std::uint64_t{1} << 40, then);
  zip.write("abc");
}

} // namespace
} // namespace kiln::archive

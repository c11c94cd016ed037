// SPDX-License-Identifier: Apache-2.0
#include "archive/zip_writer.hpp"

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

#include <archive.h>
#include <archive_entry.h>

namespace kiln::archive {

struct zip_writer::parts {
  parts() : writer(::archive_write_new()), entry(::archive_entry_new()) {
    if (!writer || !entry)
      throw std::bad_alloc();
  }
  parts(const parts&) = delete;
  parts& operator=(const parts&) = delete;
  ~parts() {
    ::archive_entry_free(entry);
    // This finishes an abandoned archive, whose bytes are discarded. (archive_write_fail() would prevent
    // that, and leak memory allocated by the opening.)
    is_over = true;
    ::archive_write_free(writer);
  }

  void check(la_ssize_t status) const {
    if (status < ARCHIVE_WARN)
      throw std::runtime_error(fmt::format("zip: {}", ::archive_error_string(writer)));
  }

  static la_ssize_t append(::archive*, void* to, const void* bytes, std::size_t size) {
    auto& mine = *static_cast<parts*>(to);
    if (!mine.is_over)
      mine.out.append(static_cast<const char*>(bytes), size);
    return static_cast<la_ssize_t>(size);
  }

  ::archive* writer;
  ::archive_entry* entry;
  std::string out;
  bool is_over = false; ///< output is discarded from here on
};

zip_writer::zip_writer() : parts_(std::make_unique<parts>()) {
  auto* writer = parts_->writer;
  parts_->check(::archive_write_set_format_zip(writer));
  parts_->check(::archive_write_zip_set_compression_store(writer));
  parts_->check(::archive_write_set_bytes_per_block(writer, 0)); // no padding, no buffering
  parts_->check(::archive_write_open(writer, parts_.get(), nullptr, &parts::append, nullptr));
}

zip_writer::~zip_writer() = default;

void zip_writer::begin_file(const std::string& name, std::uint64_t size, std::chrono::sys_seconds modified) {
  auto* entry = ::archive_entry_clear(parts_->entry);
  ::archive_entry_set_pathname(entry, name.c_str());
  ::archive_entry_set_filetype(entry, AE_IFREG);
  ::archive_entry_set_perm(entry, 0644);
  ::archive_entry_set_size(entry, static_cast<la_int64_t>(size));
  ::archive_entry_set_mtime(entry, static_cast<std::time_t>(modified.time_since_epoch().count()), 0);
  parts_->check(::archive_write_header(parts_->writer, entry));
}

void zip_writer::write(std::string_view bytes) {
  const auto written = ::archive_write_data(parts_->writer, bytes.data(), bytes.size());
  parts_->check(written);
  if (static_cast<std::size_t>(written) != bytes.size())
    throw std::runtime_error("zip: a file is longer than was said");
}

void zip_writer::finish() {
  parts_->check(::archive_write_close(parts_->writer));
}

std::string zip_writer::take() {
  return std::exchange(parts_->out, {});
}

} // namespace kiln::archive

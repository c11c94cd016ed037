// SPDX-License-Identifier: Apache-2.0
//
// The frames of a job as one archive, made while it is sent: any range of it, in memory of a bounded size.
// The archive is a function of the files' names, sizes, times and bytes, so that a download can be continued.
#pragma once

#include "aio/blocking_pool.hpp"
#include "archive/zip_layout.hpp"
#include "http/conditional.hpp"
#include "output/output_store.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace kiln::api {

/// What an archive holds.
struct zip_contents {
  archive::zip_layout layout;
  std::vector<std::string> marks; ///< output::result_file::mark, for each entry
  std::string etag;               ///< differs if any of it does
};

[[nodiscard]] std::unique_ptr<const zip_contents> describe(std::vector<output::file_facts> files);

/// CRC-32 of files by their marks: a continued download need not read again what was sent before. Bounded.
class known_checksums {
public:
  [[nodiscard]] std::optional<std::uint32_t> find(const std::string& mark) const;
  void add(const std::string& mark, std::uint32_t crc);

private:
  std::unordered_map<std::string, std::uint32_t> by_mark_;
};

class zip_stream final : public http::body_stream {
public:
  /// `files`, `pool` and `known` outlive it. `which`: bytes of the archive.
  zip_stream(output::output_store& files, aio::blocking_pool& pool, known_checksums& known, job_id of,
             std::shared_ptr<const zip_contents> contents, http::byte_range which)
      : output_(files), pool_(pool), known_(known), job_(of), contents_(std::move(contents)), which_(which) {}

  [[nodiscard]] std::optional<std::uint64_t> length() const override { return which_.length; }
  /// Throws std::runtime_error if a file is no longer what `contents` says.
  aio::task<std::string_view> next() override;

private:
  [[nodiscard]] aio::task<> add_part();
  [[nodiscard]] aio::task<> add_bytes(std::size_t entry, std::uint64_t offset, std::uint64_t left);
  [[nodiscard]] aio::task<> open(std::size_t entry);
  [[nodiscard]] aio::task<std::uint32_t> checksum(std::size_t entry);

  output::output_store& output_;
  aio::blocking_pool& pool_;
  known_checksums& known_;
  job_id job_;
  std::shared_ptr<const zip_contents> contents_;
  http::byte_range which_;
  std::uint64_t done_ = 0;            ///< bytes of `which_` that are made
  output::result_file file_;          ///< open
  std::optional<std::size_t> opened_; ///< its entry
  std::string part_;
};

} // namespace kiln::api

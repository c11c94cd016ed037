// SPDX-License-Identifier: Apache-2.0
//
// SHA-256 of .blend files, computed once for each content. A separate thread reads the files, taking turns of
// some megabytes, so that neither a large file nor a slow disk delays other files or other work. Lives on the
// loop.
#pragma once

#include "aio/blocking_pool.hpp"
#include "aio/notification.hpp"
#include "domain/job.hpp"

#include <cstdint>
#include <filesystem>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kiln::executor {

/// A caller's share in reading a file, which may take minutes.
struct blend_reading {
  bool is_stopped = false; ///< set by the caller once it no longer needs the digest
  std::uint64_t bytes = 0; ///< read so far
};

class blend_digests {
public:
  /// `pool`, for short file operations, must outlive it.
  blend_digests(aio::executor_type loop, aio::blocking_pool& pool) : pool_(pool), changed_(loop) {}

  /// 64 hexadecimal digits; nullopt if the file cannot be read, or `by` or all readings are stopped.
  /// Concurrent calls for the same file share one reading.
  [[nodiscard]] aio::task<std::optional<std::string>>
  of(std::filesystem::path file, std::shared_ptr<blend_reading> by = std::make_shared<blend_reading>());

  /// The same for a job's .blend. An upload is not read: its name is its digest.
  [[nodiscard]] aio::task<std::optional<std::string>> of_job(const domain::job_spec& spec);

  /// Stops all current and future readings, at shutdown.
  void stop() noexcept { is_stopped_ = true; }

private:
  static constexpr std::size_t kept = 64;

  /// A file counts as unchanged while these values are equal.
  struct identity {
    std::uint64_t device = 0, inode = 0;
    std::int64_t size = 0, modified_ns = 0;
    friend bool operator==(const identity&, const identity&) = default;
  };
  struct entry {
    identity file;
    std::string digest;
  };
  struct reading {
    identity file;
    std::vector<std::shared_ptr<blend_reading>> callers;
    std::optional<std::string> digest;
    bool is_over = false;
  };

  [[nodiscard]] static std::optional<identity> identify(const std::filesystem::path& file);
  [[nodiscard]] bool is_wanted(const reading& one) const noexcept;
  [[nodiscard]] aio::task<std::optional<std::string>> read(std::filesystem::path file,
                                                           std::shared_ptr<reading> one);

  aio::blocking_pool& pool_;
  aio::blocking_pool reader_{1};
  std::list<entry> known_; ///< the newest first
  std::list<std::shared_ptr<reading>> readings_;
  bool is_stopped_ = false;
  aio::notification changed_; ///< a reading has ended
};

} // namespace kiln::executor

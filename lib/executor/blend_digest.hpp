// SPDX-License-Identifier: Apache-2.0
//
// SHA-256 of .blend files, computed once for each content. Files are read by a thread of their own, in turns
// of some megabytes, so that neither a large file nor a slow disk holds up other files or other work. Lives
// on the loop.
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

/// One caller's part in the reading of a file, which may take minutes.
struct blend_reading {
  bool is_stopped = false; ///< set by the caller: it needs no digest any more
  std::uint64_t bytes = 0; ///< read so far
};

class blend_digests {
public:
  /// `pool` outlives it: for short looks at files.
  blend_digests(aio::executor_type loop, aio::blocking_pool& pool) : pool_(pool), changed_(loop) {}

  /// 64 hexadecimal digits; nothing when it cannot be read, or when `by` or all readings are stopped. Callers
  /// that ask for a file that is being read share the reading.
  [[nodiscard]] aio::task<std::optional<std::string>>
  of(std::filesystem::path file, std::shared_ptr<blend_reading> by = std::make_shared<blend_reading>());

  /// The same of a job's .blend. An upload is not read: its name is its digest.
  [[nodiscard]] aio::task<std::optional<std::string>> of_job(const domain::job_spec& spec);

  /// Stops every reading, now and later: the daemon ends.
  void stop() noexcept { is_stopped_ = true; }

private:
  static constexpr std::size_t kept = 64;

  /// A file is taken for the same while these are.
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
  aio::notification changed_; ///< a reading is over
};

} // namespace kiln::executor

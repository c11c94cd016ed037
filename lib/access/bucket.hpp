// SPDX-License-Identifier: Apache-2.0
//
// Rate limiting: a bucket that holds `burst` requests and is refilled at `per_second`. Pure.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>

namespace kiln::access {

using time_point = std::chrono::steady_clock::time_point;

struct rate {
  double per_second = 0; ///< 0.001 to a million; 0: no limit
  double burst = 1;      ///< 1 to a million

  [[nodiscard]] bool is_limited() const noexcept { return per_second > 0; }
};

/// The result of a request: whether it is allowed, and what is left.
struct allowance {
  bool allowed = true;
  std::int64_t remaining = 0; ///< whole requests still allowed now
  double wait = 0;            ///< seconds until one more is allowed; 0 if `remaining` is more
  double full_in = 0;         ///< seconds until `burst` are allowed
};

/// Stores only when it will be full again (the generic cell rate algorithm).
class bucket {
public:
  /// Takes one request out, if available.
  allowance take(const rate& limit, time_point now) noexcept;
  [[nodiscard]] bool is_full(time_point now) const noexcept { return full_at_ <= now; }

private:
  time_point full_at_{};
};

/// Buckets of at most `most` clients: beyond that, the least recently seen is forgotten and starts again with
/// a full bucket.
class bucket_table {
public:
  bucket_table(const rate& limit, std::size_t most) : limit_(limit), most_(most) {}

  allowance take(std::uint64_t who, time_point now);
  [[nodiscard]] std::size_t size() const noexcept { return places_.size(); }
  [[nodiscard]] const rate& limit() const noexcept { return limit_; }

private:
  struct entry {
    std::uint64_t who = 0;
    bucket of;
  };
  void make_room(time_point now);

  rate limit_;
  std::size_t most_;
  std::list<entry> entries_;                                   ///< most recently seen first
  std::map<std::uint64_t, std::list<entry>::iterator> places_; ///< keys are strangers': no hash to collide in
};

} // namespace kiln::access

// SPDX-License-Identifier: Apache-2.0
//
// Whether and when a request is repeated that got no answer, or one that says "later": pure.
#pragma once

#include "client/message.hpp"

#include <chrono>
#include <optional>
#include <string_view>

namespace kiln::client {

/// Retry-After in seconds; nullopt if it is absent, or a date.
[[nodiscard]] std::optional<std::chrono::seconds> retry_after_of(const answer& a);

/// The wait before the next try of one request. Counts the time since its first failure.
class patience {
public:
  /// `most`: the total time from the first failure to the last try.
  explicit patience(std::chrono::seconds most) : most_(most) {}

  /// For an answer that says "later" (429, 502, 503, 504, and 409 with Retry-After): as long as it says, else
  /// as after silence. Nullopt: any other answer, or the time is over.
  [[nodiscard]] std::optional<std::chrono::seconds> after(const answer& a, std::chrono::seconds since_first);

  /// For no answer: 1, 2, 4, … to 15 seconds. Nullopt: the time is over.
  [[nodiscard]] std::optional<std::chrono::seconds> after_silence(std::chrono::seconds since_first);

private:
  std::chrono::seconds most_;
  std::chrono::seconds next_{1};
};

} // namespace kiln::client

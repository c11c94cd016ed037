// SPDX-License-Identifier: Apache-2.0
//
// Ids of jobs, attempts and webhooks, as distinct types.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace kiln {

/// A public id: a letter for its kind and 18 digits of Crockford's base 32, lower case. It begins with a
/// letter, so it is never mistaken for a PID; it sorts by time of creation; it is safe as a path component
/// and in a URL.
template<char Kind>
class public_id {
public:
  static constexpr std::size_t length = 19;

  public_id() = default;

  /// `created`: milliseconds since 1970 (48 bits are kept); `random`: 42 bits are kept.
  [[nodiscard]] static public_id make(std::chrono::milliseconds created, std::uint64_t random);

  /// The smallest greater id: keeps the order of ids within one millisecond.
  [[nodiscard]] public_id next() const;

  /// Nullopt if `text` is not exactly an id of this kind as written by make().
  [[nodiscard]] static std::optional<public_id> parse(std::string_view text);

  [[nodiscard]] const std::string& str() const noexcept { return text_; }
  friend auto operator<=>(const public_id&, const public_id&) = default;

private:
  explicit public_id(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

using job_id = public_id<'j'>;
using webhook_id = public_id<'w'>;

/// An attempt of a job: numbered from 1 within its job.
struct attempt_id {
  job_id job;
  int number = 0;

  /// "j0…-1", safe as a path component.
  [[nodiscard]] std::string str() const;
  /// Nullopt if `text` is not exactly an attempt's id as written by str().
  [[nodiscard]] static std::optional<attempt_id> parse(std::string_view text);
  friend auto operator<=>(const attempt_id&, const attempt_id&) = default;
};

} // namespace kiln

template<char Kind>
struct std::hash<kiln::public_id<Kind>> {
  std::size_t operator()(const kiln::public_id<Kind>& id) const noexcept {
    return std::hash<std::string>{}(id.str());
  }
};

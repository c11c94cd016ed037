// SPDX-License-Identifier: Apache-2.0
//
// Names of jobs and attempts that cannot be mixed up with each other or with plain numbers.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace kiln {

/// A job's public name: 'j' and 18 digits of Crockford's base 32, lower case. It begins with a letter, so it
/// is never taken for a PID; it sorts by time of creation; it is safe as a path component and in a URL.
class job_id {
public:
  static constexpr std::size_t length = 19;

  job_id() = default;

  /// `created`: milliseconds since 1970 (48 bits are kept); `random`: 42 bits are kept.
  [[nodiscard]] static job_id make(std::chrono::milliseconds created, std::uint64_t random);

  /// The least id that is greater: for ids of one millisecond, which shall keep their order.
  [[nodiscard]] job_id next() const;

  /// Nothing if `text` is not exactly a job id as make() writes it.
  [[nodiscard]] static std::optional<job_id> parse(std::string_view text);

  [[nodiscard]] const std::string& str() const noexcept { return text_; }
  friend auto operator<=>(const job_id&, const job_id&) = default;

private:
  explicit job_id(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

/// An attempt of a job: numbered from 1 within its job.
struct attempt_id {
  job_id job;
  int number = 0;

  /// "j0…-1", safe as a path component.
  [[nodiscard]] std::string str() const;
  /// Nothing if `text` is not exactly an attempt's id as str() writes it.
  [[nodiscard]] static std::optional<attempt_id> parse(std::string_view text);
  friend auto operator<=>(const attempt_id&, const attempt_id&) = default;
};

} // namespace kiln

template<>
struct std::hash<kiln::job_id> {
  std::size_t operator()(const kiln::job_id& id) const noexcept { return std::hash<std::string>{}(id.str()); }
};

// SPDX-License-Identifier: Apache-2.0
#include "base/ids.hpp"

#include "base/number.hpp"

#include <algorithm>
#include <iterator>

namespace kiln {
namespace {

constexpr std::string_view digits = "0123456789abcdefghjkmnpqrstvwxyz"; // Crockford: no i, l, o, u

void append_base32(std::string& out, std::uint64_t value, int count) {
  for (int shift = 5 * (count - 1); shift >= 0; shift -= 5)
    out.push_back(digits[(value >> shift) & 31U]);
}

} // namespace

template<char Kind>
public_id<Kind> public_id<Kind>::make(std::chrono::milliseconds created, std::uint64_t random) {
  // 48 + 42 bits = 90 bits = 18 digits; each half is written on its own, in 5-bit steps that divide 90.
  const auto ms = static_cast<std::uint64_t>(created.count()) & ((1ULL << 48) - 1);
  const auto rnd = random & ((1ULL << 42) - 1);
  std::string text(1, Kind);
  append_base32(text, ms >> 3, 9);                 // the upper 45 bits of the time
  append_base32(text, ((ms & 7U) << 42) | rnd, 9); // its lower 3 bits, then the random bits
  return public_id{std::move(text)};
}

template<char Kind>
std::optional<public_id<Kind>> public_id<Kind>::parse(std::string_view text) {
  if (text.size() != length || text.front() != Kind)
    return std::nullopt;
  if (!std::ranges::all_of(text.substr(1), [](char c) { return digits.find(c) != std::string_view::npos; }))
    return std::nullopt;
  return public_id{std::string{text}};
}

template<char Kind>
public_id<Kind> public_id<Kind>::next() const {
  auto text = text_;
  for (auto digit = text.rbegin(); std::next(digit) != text.rend(); ++digit) { // the letter stays
    const auto value = digits.find(*digit);
    *digit = digits[(value + 1) % digits.size()];
    if (value + 1 < digits.size())
      break;
  }
  return public_id{std::move(text)};
}

template class public_id<'j'>;
template class public_id<'w'>;

std::optional<attempt_id> attempt_id::parse(std::string_view text) {
  const auto job = job_id::parse(text.substr(0, job_id::length));
  if (!job || text.size() <= job_id::length)
    return std::nullopt;
  const attempt_id id{*job, parse_number<int>(text.substr(job_id::length + 1)).value_or(0)};
  if (id.number < 1 || id.str() != text)
    return std::nullopt;
  return id;
}

std::string attempt_id::str() const {
  return job.str() + '-' + std::to_string(number);
}

} // namespace kiln

// SPDX-License-Identifier: Apache-2.0
#include "client/patience.hpp"

#include "base/number.hpp"

#include <algorithm>

namespace kiln::client {
namespace {

constexpr std::chrono::seconds longest_pause{15};
constexpr std::chrono::seconds longest_told{24 * 3600};
constexpr int conflict = 409, too_many = 429, bad_gateway = 502, unavailable = 503, gateway_timeout = 504;

} // namespace

std::optional<std::chrono::seconds> retry_after_of(const answer& a) {
  const auto text = a.find("retry-after");
  const auto seconds = text ? parse_number<std::chrono::seconds::rep>(*text) : std::nullopt;
  if (!seconds)
    return std::nullopt;
  return std::min(std::chrono::seconds{*seconds}, longest_told);
}

std::optional<std::chrono::seconds> patience::after(const answer& a, std::chrono::seconds since_first) {
  const auto told = retry_after_of(a);
  const bool is_later = a.status == too_many || a.status == bad_gateway || a.status == unavailable ||
                        a.status == gateway_timeout || (a.status == conflict && told);
  if (!is_later)
    return std::nullopt;
  if (!told)
    return after_silence(since_first);
  if (since_first + *told > most_)
    return std::nullopt;
  return std::max(*told, std::chrono::seconds{1});
}

std::optional<std::chrono::seconds> patience::after_silence(std::chrono::seconds since_first) {
  if (since_first + next_ > most_)
    return std::nullopt;
  const auto wait = next_;
  next_ = std::min(2 * next_, longest_pause);
  return wait;
}

} // namespace kiln::client

// SPDX-License-Identifier: Apache-2.0
#include "client/job_ids.hpp"

#include "client/exit_status.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace kiln::client {

bool is_begin_of_id(std::string_view word) {
  constexpr std::size_t longest = 19;
  return !word.empty() && word.size() <= longest && word.front() == 'j' &&
         std::ranges::all_of(word, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); });
}

result<std::string> choose_id(std::string_view word, std::span<const std::string> ids) {
  constexpr std::size_t most_shown = 5;
  std::vector<std::string> fitting;
  for (const auto& id : ids)
    if (id.starts_with(word))
      fitting.push_back(id);
  if (fitting.size() == 1)
    return fitting.front();
  if (fitting.empty())
    return failure(exit_status::usage, fmt::format("no job's id begins with {}: `kiln ls` lists them", word));
  auto message = fmt::format("{} jobs have ids that begin with {}: write more of it", fitting.size(), word);
  for (std::size_t i = 0; i < std::min(fitting.size(), most_shown); ++i)
    message += "\n  " + fitting[i];
  return failure(exit_status::usage, std::move(message));
}

} // namespace kiln::client

// SPDX-License-Identifier: Apache-2.0
#include "slurm/names.hpp"

#include "base/number.hpp"

#include <fmt/format.h>

namespace kiln::slurm {
namespace {

constexpr std::string_view array_prefix = "kiln-";
constexpr std::string_view run_prefix = "run-";

/// Only in our own notation: without leading zeros.
template<class Name>
std::optional<Name> if_written_so(const Name& parsed, std::string_view whole) {
  return parsed.str() == whole ? std::optional{parsed} : std::nullopt;
}

} // namespace

std::string array_name::str() const {
  return fmt::format("{}{}-{}", array_prefix, attempt.str(), number);
}

std::optional<array_name> array_name::parse(std::string_view text) {
  const auto whole = text;
  if (!text.starts_with(array_prefix))
    return std::nullopt;
  text.remove_prefix(array_prefix.size());
  const auto dash = text.rfind('-');
  if (dash == std::string_view::npos)
    return std::nullopt;
  const auto of = attempt_id::parse(text.substr(0, dash));
  const auto number = parse_number<int>(text.substr(dash + 1), 1);
  if (!of || !number)
    return std::nullopt;
  return if_written_so(array_name{*of, *number}, whole);
}

std::string run_name::str() const {
  return fmt::format("{}{}-{}-{}", run_prefix, task, job, restart);
}

std::optional<run_name> run_name::parse(std::string_view text) {
  const auto whole = text;
  if (!text.starts_with(run_prefix))
    return std::nullopt;
  text.remove_prefix(run_prefix.size());
  const auto first = text.find('-'), last = text.rfind('-');
  if (first == std::string_view::npos || first == last)
    return std::nullopt;
  const auto task = parse_number<int>(text.substr(0, first), 1);
  const auto job = parse_number<std::uint64_t>(text.substr(first + 1, last - first - 1));
  const auto restart = parse_number<int>(text.substr(last + 1));
  if (!task || !job || !restart)
    return std::nullopt;
  return if_written_so(run_name{*task, *job, *restart}, whole);
}

} // namespace kiln::slurm

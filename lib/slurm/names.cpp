// SPDX-License-Identifier: Apache-2.0
#include "slurm/names.hpp"

#include <fmt/format.h>

#include <charconv>

namespace kiln::slurm {
namespace {

constexpr std::string_view array_prefix = "kiln-";
constexpr std::string_view run_prefix = "run-";

/// The whole text as a number that is written as we write it.
template<class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (ec != std::errc{} || end != text.data() + text.size() || fmt::format("{}", value) != text)
    return std::nullopt;
  return value;
}

} // namespace

std::string array_name::str() const {
  return fmt::format("{}{}-{}", array_prefix, attempt.str(), number);
}

std::optional<array_name> array_name::parse(std::string_view text) {
  if (!text.starts_with(array_prefix))
    return std::nullopt;
  text.remove_prefix(array_prefix.size());
  const auto dash = text.rfind('-');
  if (dash == std::string_view::npos)
    return std::nullopt;
  const auto of = attempt_id::parse(text.substr(0, dash));
  const auto number = parse_number<int>(text.substr(dash + 1));
  if (!of || !number || *number < 1)
    return std::nullopt;
  return array_name{*of, *number};
}

std::string run_name::str() const {
  return fmt::format("{}{}-{}-{}", run_prefix, task, job, restart);
}

std::optional<run_name> run_name::parse(std::string_view text) {
  if (!text.starts_with(run_prefix))
    return std::nullopt;
  text.remove_prefix(run_prefix.size());
  const auto first = text.find('-'), last = text.rfind('-');
  if (first == std::string_view::npos || first == last)
    return std::nullopt;
  const auto task = parse_number<int>(text.substr(0, first));
  const auto job = parse_number<std::uint64_t>(text.substr(first + 1, last - first - 1));
  const auto restart = parse_number<int>(text.substr(last + 1));
  if (!task || !job || !restart || *task < 1 || *restart < 0)
    return std::nullopt;
  return run_name{*task, *job, *restart};
}

} // namespace kiln::slurm

// SPDX-License-Identifier: Apache-2.0
//
// Validators of CLI11 for the values of flags.
#pragma once

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <string>

namespace kiln::app {

/// A CLI11 validator that turns a result's message into CLI11's.
template<class Parse>
CLI::Validator checked_by(Parse parse, const std::string& description) {
  auto check = [parse](const std::string& text) -> std::string {
    const auto parsed = parse(text);
    return parsed ? std::string{} : parsed.error().message;
  };
  return {check, description};
}

/// CLI::Range lets "nan" pass.
inline CLI::Validator between(double low, double high) {
  auto check = [low, high](const std::string& text) -> std::string {
    double value = 0;
    if (CLI::detail::lexical_cast(text, value) && value >= low && value <= high)
      return {};
    return fmt::format("{} is not a number between {} and {}", text, low, high);
  };
  return {check, fmt::format("FLOAT in [{} - {}]", low, high)};
}

} // namespace kiln::app

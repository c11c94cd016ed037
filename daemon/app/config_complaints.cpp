// SPDX-License-Identifier: Apache-2.0
#include "app/config_complaints.hpp"

#include "app/config.hpp"
#include "app/config_options.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>

namespace kiln::app {
namespace {

bool is_flag(const CLI::Option& option) {
  return option.get_expected_max() == 0 || option.get_type_size() == 0;
}

/// Whether its value is a path, an address or another text, for which a number is a mistake.
bool is_name(const CLI::Option& option) {
  constexpr std::array<std::string_view, 8> names{"ADDRESS", "DIR",    "FILE",   "NAME",
                                                  "ORIGIN",  "OPTION", "TARGET", "PATH"};
  const auto name = option.get_type_name(); // or "NAME,…"
  return std::ranges::find(names, std::string_view{name}.substr(0, name.find(','))) != names.end();
}

/// The fault of a value of the wrong type, such as a text for a flag or a list for a single value. CLI11
/// accepts some of these as something else.
std::optional<std::string> wrong_type(const file_value& value, const CLI::Option& option) {
  using enum file_value::kind;
  if (is_flag(option))
    return value.type == boolean ? std::nullopt : std::optional<std::string>{"it must be true or false"};
  if (value.type == boolean)
    return "true and false are no value of it";
  if (value.type == other)
    return "it must be a text or a number";
  if (value.type == list && value.inputs.empty())
    return "an empty list is no value: leave the key out";
  if (value.type == list && option.get_expected_max() <= 1)
    return "it has one value, not a list";
  if (value.has_numbers && is_name(option))
    return "a number is no value of it: it must be a text";
  return std::nullopt;
}

/// A value that `option` takes, as a line of the file: "slots = 1".
std::string example_line(const CLI::Option& option) {
  auto key = option.get_lnames().front();
  std::ranges::replace(key, '-', '_');
  if (is_flag(option))
    return key + " = true";
  auto text = option.get_default_str();
  double number = 0;
  if (text.empty())
    text = option.get_type_name();
  else if (CLI::detail::lexical_cast(text, number))
    return key + " = " + text;
  const bool several = option.get_expected_max() > 1;
  return fmt::format("{} = {}\"{}\"{}", key, several ? "[" : "", text.substr(0, text.find(',')),
                     several ? "]" : "");
}

/// CLI11's complaint about the value of one option, or nothing.
std::optional<std::string> complaint(const file_value& value) {
  config c;
  words w;
  CLI::App alone;
  add_options(alone, c, w, "");
  alone.set_config(); // without the file
  std::vector<std::string> arguments;
  for (const auto& input : value.inputs)
    arguments.push_back("--" + value.flag + "=" + input);
  std::ranges::reverse(arguments);
  try {
    alone.parse(std::move(arguments));
  } catch (const CLI::ParseError& wrong) {
    const std::string text = wrong.what(), prefix = "--" + value.flag + ": ";
    return text.starts_with(prefix) ? text.substr(prefix.size()) : text;
  }
  return std::nullopt;
}

} // namespace

std::vector<std::string> flag_names(const CLI::App& app) {
  std::vector<std::string> known;
  for (const auto* option : app.get_options())
    for (const auto& name : option->get_lnames())
      known.push_back(name);
  return known;
}

std::string describe_unknown_option(const CLI::App& app, const config_file& file, const std::string& wrong) {
  auto name = flag_name(wrong.substr(std::min(wrong.find_first_not_of('-'), wrong.size())));
  name = name.substr(0, name.find('='));
  const auto in_file = std::ranges::find(file.values, wrong, &file_value::flag);
  auto message = in_file == file.values.end()
                     ? fmt::format("there is no option \"{}\"", wrong)
                     : fmt::format("{}, line {}: there is no key \"{}\"", file.path, in_file->line, wrong);
  if (in_file != file.values.end() && in_file->is_table)
    return message + "; the file has no tables: each key stands by itself";
  if (const auto near = nearest_name(name, flag_names(app)))
    message += fmt::format("; did you mean \"{}\"?", *near);
  return message;
}

std::optional<std::string> wrong_value(const CLI::App& app, const config_file& file, bool ranges) {
  for (const auto& value : file.values) {
    const auto* option = app.get_option_no_throw("--" + value.flag);
    if (!option || !option->get_configurable())
      continue;
    auto why = wrong_type(value, *option);
    if (!why && ranges)
      why = complaint(value);
    if (!why)
      continue;
    auto key = value.flag;
    std::ranges::replace(key, '-', '_');
    return fmt::format("{}, line {}: {} = {} is wrong: {}; right is, for instance, {}", file.path, value.line,
                       key, value.written, *why, example_line(*option));
  }
  return std::nullopt;
}

std::string describe_unknown_variable(const CLI::App& app, const std::string& wrong) {
  const auto prefix = variable_name("");
  std::vector<std::string> keys;
  for (const auto& flag : flag_names(app))
    keys.push_back(variable_name(flag).substr(prefix.size()));
  auto message = fmt::format("the environment has {}, and there is no such key", wrong);
  if (const auto near = nearest_name(std::string_view{wrong}.substr(prefix.size()), keys))
    message += fmt::format("; did you mean {}{}?", prefix, *near);
  return message;
}

std::optional<std::string> nearest_name(std::string_view wrong, const std::vector<std::string>& known) {
  // Levenshtein's distance, one row at a time; a name counts as near when at most a third of it differs.
  std::optional<std::string> best;
  std::size_t best_distance = wrong.size() / 3 + 2;
  for (const auto& name : known) {
    std::vector<std::size_t> row(name.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= wrong.size(); ++i) {
      std::size_t diagonal = row[0];
      row[0] = i;
      for (std::size_t j = 1; j <= name.size(); ++j) {
        const auto replaced = diagonal + (wrong[i - 1] == name[j - 1] ? 0 : 1);
        diagonal = row[j];
        row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
      }
    }
    if (row.back() < best_distance) {
      best_distance = row.back();
      best = name;
    }
  }
  return best;
}

std::string file_of(const CLI::App& app, const std::string& default_file) {
  const auto& given = app.get_config_ptr()->results();
  return given.empty() ? default_file : given.back();
}

} // namespace kiln::app

// SPDX-License-Identifier: Apache-2.0
#include "app/help_text.hpp"

#include <CLI/CLI.hpp>

namespace kiln::app {
namespace {

constexpr std::size_t text_column = 30;

/// " N:INT in [1 - 9]=1", " DIR ...", or nothing for a switch.
std::string help_of_value(const CLI::Option& option) {
  if (option.get_type_size() == 0)
    return {};
  std::string out = " " + option.get_type_name();
  if (const auto preset = option.get_default_str(); !preset.empty())
    out += "=" + preset;
  if (option.get_expected_max() == CLI::detail::expected_max_vector_size)
    out += " ...";
  if (option.get_required())
    out += " REQUIRED";
  return out;
}

/// Name and value, and the description from a fixed column on.
std::string help_of_option(const CLI::Option& option) {
  auto out =
      "  " + option.get_name(option.get_positional(), !option.get_positional()) + help_of_value(option);
  if (out.size() < text_column)
    out.resize(text_column, ' ');
  else
    out += "\n" + std::string(text_column, ' ');
  return out + option.get_description() + "\n";
}

} // namespace

std::string help_text(const CLI::App& app) {
  std::string usage = "Usage: " + app.get_name() + " [OPTIONS]";
  std::string positionals;
  for (const auto* option : app.get_options([](const CLI::Option* o) { return o->get_positional(); })) {
    usage += " " + option->get_name(true);
    positionals += help_of_option(*option);
  }
  auto out = app.get_description() + "\n" + usage + "\n";
  if (!positionals.empty())
    out += "\nPositionals:\n" + positionals;
  for (const auto& group : app.get_groups()) {
    const auto is_of_group = [&group](const CLI::Option* o) {
      return o->nonpositional() && o->get_group() == group;
    };
    const auto options = app.get_options(is_of_group);
    if (group.empty() || options.empty())
      continue;
    out += "\n" + (group == "OPTIONS" ? "Options" : group) + ":\n"; // CLI11 has either name for its default
    for (const auto* option : options)
      out += help_of_option(*option);
  }
  return out + app.get_footer() + "\n";
}

} // namespace kiln::app

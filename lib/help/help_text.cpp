// SPDX-License-Identifier: Apache-2.0
#include "help/help_text.hpp"

#include <CLI/CLI.hpp>

namespace kiln::help {
namespace {

constexpr std::size_t text_column = 30;

bool takes_several(const CLI::Option& option) {
  return option.get_expected_max() == CLI::detail::expected_max_vector_size;
}

/// " N:INT in [1 - 9]=1", " DIR ...", or nothing for a switch.
std::string help_of_value(const CLI::Option& option) {
  if (option.get_type_size() == 0)
    return {};
  auto out = option.get_type_name();
  if (!out.empty())
    out.insert(0, " ");
  if (const auto preset = option.get_default_str(); !preset.empty())
    out += "=" + preset;
  if (takes_several(option))
    out += " ...";
  if (option.get_required())
    out += " REQUIRED";
  return out;
}

/// The text begins at a fixed column.
std::string in_columns(std::string name, const std::string& text) {
  if (name.size() < text_column)
    name.resize(text_column, ' ');
  else
    name += "\n" + std::string(text_column, ' ');
  return name + text + "\n";
}

std::string help_of_option(const CLI::Option& option) {
  auto name = "  " + option.get_name(option.get_positional(), !option.get_positional());
  return in_columns(std::move(name) + help_of_value(option), option.get_description());
}

} // namespace

std::string help_text(const CLI::App& app) {
  const auto* program = app.get_parent();
  const auto subcommands = app.get_subcommands([](const CLI::App* a) { return !a->get_group().empty(); });
  std::string usage =
      "Usage: " + (program ? program->get_name() + " " : std::string{}) + app.get_name() + " [OPTIONS]";
  std::string positionals;
  for (const auto* option : app.get_options([](const CLI::Option* o) { return o->get_positional(); })) {
    usage += " " + option->get_name(true) + (takes_several(*option) ? "..." : "");
    positionals += help_of_option(*option);
  }
  if (!subcommands.empty())
    usage += " SUBCOMMAND";
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
  if (!subcommands.empty())
    out += "\nSubcommands:\n";
  for (const auto* subcommand : subcommands)
    out += in_columns("  " + subcommand->get_name(), subcommand->get_description());
  const auto own = app.get_footer();
  const auto footer = own.empty() && program ? program->get_footer() : own;
  return footer.empty() ? out : out + footer + "\n";
}

void use_help_text(CLI::App& app) {
  app.formatter_fn([](const CLI::App* a, const std::string&, CLI::AppFormatMode) { return help_text(*a); });
}

} // namespace kiln::help

// SPDX-License-Identifier: Apache-2.0
#include "app/config_sources.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <sstream>
#include <string_view>

#include <toml++/toml.h>

namespace kiln::app {
namespace {

constexpr std::string_view variable_prefix = "KILN_";

/// One value of the file as the text that a flag would have.
std::string flag_text(const toml::node& value) {
  if (const auto* text = value.as_string())
    return text->get();
  std::ostringstream out;
  value.visit([&](const auto& v) {
    if constexpr (toml::is_value<decltype(v)>)
      out << v;
  });
  return out.str();
}

/// The file is read by toml++ (CLI11's own reader crashes on some broken files); CLI11 sees it as flags.
class file_reader : public CLI::Config {
public:
  std::vector<CLI::ConfigItem> from_config(std::istream& in) const override {
    toml::table parsed;
    try {
      parsed = toml::parse(in);
    } catch (const toml::parse_error& e) {
      throw CLI::ConfigError(fmt::format("the configuration file is not TOML: {} (line {}, column {})",
                                         e.description(), e.source().begin.line, e.source().begin.column));
    }
    std::vector<CLI::ConfigItem> read;
    for (const auto& [key, value] : parsed) {
      auto& item = read.emplace_back();
      item.name = flag_name(std::string{key.str()});
      if (const auto* several = value.as_array())
        for (const auto& one : *several)
          item.inputs.push_back(flag_text(one));
      else
        item.inputs.push_back(flag_text(value));
    }
    return read;
  }
  std::string to_config(const CLI::App*, bool, bool, std::string) const override { return {}; } // not used
};

} // namespace

std::string flag_name(std::string name) {
  std::ranges::replace(name, '_', '-');
  return name;
}

std::shared_ptr<CLI::Config> make_file_reader() {
  return std::make_shared<file_reader>();
}

std::vector<std::string> flags_of_environment(const std::vector<std::string>& environment,
                                              const std::vector<std::string>& arguments) {
  std::vector<std::string> flags;
  for (const auto& variable : environment) {
    const auto equals = variable.find('=');
    if (!variable.starts_with(variable_prefix) || equals == std::string::npos)
      continue;
    std::string name = variable.substr(variable_prefix.size(), equals - variable_prefix.size());
    std::ranges::transform(name, name.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const auto flag = "--" + flag_name(std::move(name));
    const bool given = std::ranges::any_of(
        arguments, [&](const std::string& a) { return a == flag || a.starts_with(flag + '='); });
    if (!given)
      flags.push_back(flag + variable.substr(equals));
  }
  return flags;
}

} // namespace kiln::app

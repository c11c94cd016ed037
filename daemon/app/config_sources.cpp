// SPDX-License-Identifier: Apache-2.0
#include "app/config_sources.hpp"

#include "aio/unique_descriptor.hpp"
#include "base/error.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <sstream>
#include <string_view>

#include <fcntl.h>
#include <sys/stat.h>
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

std::string as_toml(const toml::node& value) {
  constexpr std::size_t longest = 60;
  std::ostringstream out;
  value.visit([&](const auto& v) { out << v; });
  auto text = out.str();
  std::ranges::replace(text, '\n', ' ');
  return text.size() <= longest ? text : text.substr(0, longest) + "…";
}

file_value::kind kind_of(const toml::node& value) {
  using enum file_value::kind;
  return value.is_string()    ? text
         : value.is_number()  ? number
         : value.is_boolean() ? boolean
         : value.is_array()   ? list
                              : other;
}

bool has_numbers(const toml::node& value) {
  const auto* several = value.as_array();
  return several ? std::ranges::any_of(*several, [](const toml::node& one) { return one.is_number(); })
                 : value.is_number();
}

/// The file is read by toml++ (CLI11's own reader crashes on some broken files); CLI11 sees it as flags.
class file_reader : public CLI::Config {
public:
  explicit file_reader(std::shared_ptr<std::vector<file_value>> read) : read_(std::move(read)) {}

  std::vector<CLI::ConfigItem> from_config(std::istream& in) const override {
    toml::table parsed;
    try {
      parsed = toml::parse(in);
    } catch (const toml::parse_error& e) {
      throw CLI::ConfigError(fmt::format("the configuration file is not TOML: {} (line {}, column {})",
                                         e.description(), e.source().begin.line, e.source().begin.column));
    }
    std::vector<CLI::ConfigItem> found;
    for (const auto& [key, value] : parsed) {
      auto& item = found.emplace_back();
      item.name = flag_name(std::string{key.str()});
      if (const auto* several = value.as_array())
        for (const auto& one : *several)
          item.inputs.push_back(flag_text(one));
      else
        item.inputs.push_back(flag_text(value));
      read_->push_back({.flag = item.name,
                        .line = key.source().begin.line,
                        .type = kind_of(value),
                        .is_table = value.is_table(),
                        .has_numbers = has_numbers(value),
                        .written = as_toml(value),
                        .inputs = item.inputs});
    }
    return found;
  }
  std::string to_config(const CLI::App*, bool, bool, std::string) const override { return {}; } // not used

private:
  std::shared_ptr<std::vector<file_value>> read_;
};

/// Whether Kubernetes, or a link of Docker, sets this variable in each container for a service named kiln or
/// kiln-…: KILN_SERVICE_HOST, KILN_SERVICE_PORT, KILN_SERVICE_PORT_HTTP, KILN_PORT=tcp://10.0.0.1:3000,
/// KILN_PORT_3000_TCP, KILN_PORT_3000_TCP_ADDR and so on
/// (kubernetes.io/docs/concepts/services-networking/service, "Environment variables").
bool is_of_platform(std::string_view name, std::string_view value) {
  constexpr std::array<std::string_view, 3> schemes{"tcp://", "udp://", "sctp://"};
  constexpr std::array<std::string_view, 3> protocols{"_TCP", "_UDP", "_SCTP"};
  constexpr std::array<std::string_view, 4> parts{"", "_PROTO", "_PORT", "_ADDR"};
  if (name.ends_with("_SERVICE_HOST") || name.ends_with("_SERVICE_PORT") ||
      name.find("_SERVICE_PORT_") != std::string_view::npos)
    return true;
  if (name.ends_with("_PORT") &&
      std::ranges::any_of(schemes, [&](auto scheme) { return value.starts_with(scheme); }))
    return true;
  return std::ranges::any_of(protocols, [&](auto protocol) {
    const auto at = name.rfind(protocol);
    if (at == std::string_view::npos ||
        std::ranges::find(parts, name.substr(at + protocol.size())) == parts.end())
      return false;
    const auto port = name.substr(0, at);
    const auto digits = port.find_last_not_of("0123456789") + 1; // npos + 1 is 0
    return digits < at && port.substr(0, digits).ends_with("_PORT_");
  });
}

/// Variables of the command kiln, which may be set for all programs of a user.
bool is_of_client(std::string_view name) {
  return name == "KILN_URL" || name == "KILN_TOKEN";
}

} // namespace

std::string flag_name(std::string name) {
  std::ranges::replace(name, '_', '-');
  return name;
}

std::shared_ptr<CLI::Config> make_file_reader(std::shared_ptr<std::vector<file_value>> read) {
  return std::make_shared<file_reader>(std::move(read));
}

std::optional<std::string> why_unreadable(const std::filesystem::path& file) {
  const aio::unique_descriptor opened{::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (!opened.is_open()) {
    if (errno == ENOENT || errno == ENOTDIR)
      return std::nullopt;
    return system_error(errno, "the configuration file " + file.native() + " cannot be read").message;
  }
  struct stat facts {};
  if (::fstat(opened.get(), &facts) != 0 || !S_ISREG(facts.st_mode))
    return "the configuration file " + file.native() + " is not a file";
  return std::nullopt;
}

environment_flags flags_of_environment(const std::vector<std::string>& environment,
                                       const std::vector<std::string>& arguments,
                                       const std::vector<std::string>& known) {
  environment_flags out;
  for (const auto& variable : environment) {
    const auto equals = variable.find('=');
    if (!variable.starts_with(variable_prefix) || equals == std::string::npos)
      continue;
    const auto name = variable.substr(0, equals);
    if (is_of_client(name))
      continue;
    auto key = name.substr(variable_prefix.size());
    std::ranges::transform(key, key.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    key = flag_name(std::move(key));
    if (std::ranges::find(known, key) == known.end()) {
      const bool is_foreign = is_of_platform(name, std::string_view{variable}.substr(equals + 1));
      (is_foreign ? out.passed_over : out.unknown).push_back(name);
      continue;
    }
    const auto flag = "--" + key;
    const bool given = std::ranges::any_of(
        arguments, [&](const std::string& a) { return a == flag || a.starts_with(flag + '='); });
    if (!given)
      out.flags.push_back(flag + variable.substr(equals));
  }
  return out;
}

std::string variable_name(std::string_view flag) {
  std::string name{variable_prefix};
  for (const unsigned char c : flag)
    name += c == '-' ? '_' : static_cast<char>(std::toupper(c));
  return name;
}

} // namespace kiln::app

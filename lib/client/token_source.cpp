// SPDX-License-Identifier: Apache-2.0
#include "client/token_source.hpp"

#include "aio/unique_descriptor.hpp"
#include "base/environment.hpp"
#include "client/exit_status.hpp"

#include <fmt/format.h>

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace kiln::client {
namespace {

constexpr std::size_t longest_token_file = 4096;

result<std::string> read_token_file(const std::filesystem::path& file) {
  const auto usage = [&](const std::string& what) {
    return failure(exit_status::usage, fmt::format("the token file {} {}", file.native(), what));
  };
  const aio::unique_descriptor opened{::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  struct stat facts {};
  if (!opened.is_open() || ::fstat(opened.get(), &facts) != 0)
    return usage("cannot be read: " + system_error(errno, "open").message);
  if (!S_ISREG(facts.st_mode))
    return usage("is not a file");
  if ((facts.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    return usage(fmt::format("is open to others: make it yours alone with chmod 600 {}", file.native()));
  std::string text(longest_token_file, '\0');
  const auto got = ::read(opened.get(), text.data(), text.size());
  if (got < 0)
    return usage("cannot be read: " + system_error(errno, "read").message);
  text.resize(static_cast<std::size_t>(got));
  return text;
}

} // namespace

std::filesystem::path own_directory(const std::vector<std::string>& environment, const char* name,
                                    const char* in_home) {
  if (const auto set = value_of(environment, name); set && set->starts_with('/'))
    return std::filesystem::path{*set} / "kiln";
  if (const auto home = value_of(environment, "HOME"); home && home->starts_with('/'))
    return std::filesystem::path{*home} / in_home / "kiln";
  return {};
}

result<std::optional<found_token>> find_token(const std::filesystem::path& file,
                                              const std::vector<std::string>& environment) {
  auto from = file;
  if (from.empty()) {
    if (const auto set = value_of(environment, "KILN_TOKEN"); set && !set->empty())
      return std::optional{found_token{std::string{*set}, "KILN_TOKEN"}};
    const auto directory = own_directory(environment, "XDG_CONFIG_HOME", ".config");
    if (directory.empty() || ::access((directory / "token").c_str(), F_OK) != 0)
      return std::optional<found_token>{};
    from = directory / "token";
  }
  auto text = read_token_file(from);
  if (!text)
    return text.error();
  return std::optional{found_token{std::move(*text), from.native()}};
}

} // namespace kiln::client

// SPDX-License-Identifier: Apache-2.0
#include "app/probe_memory.hpp"

#include "digest/sha256.hpp"
#include "local/installs.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

#include <sys/utsname.h>

namespace kiln::app {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr std::size_t most_answers = 100; // of Blenders and sandboxes that have gone, too

/// Whether a variable can change what Blender answers: not those of one terminal or login.
bool counts(std::string_view variable) {
  constexpr std::array names{"PATH=",  "HOME=",    "USER=", "LD_",
                             "PYTHON", "BLENDER_", "OCIO",  "XDG_CONFIG_HOME="};
  return std::ranges::any_of(names, [&](const char* name) { return variable.starts_with(name); });
}

} // namespace

probe_memory::probe_memory(fs::path file) : file_(std::move(file)) {
  std::ifstream in{file_};
  const std::string text{std::istreambuf_iterator<char>{in}, {}};
  boost::system::error_code wrong;
  const auto all = json::parse(text, wrong);
  if (wrong || !all.is_object())
    return;
  for (const auto& [key, value] : all.get_object()) {
    const auto* one = value.if_object();
    const auto* pid = one ? one->if_contains("pid") : nullptr;
    const auto* printed = one ? one->if_contains("printed") : nullptr;
    const auto* directory = one ? one->if_contains("directory") : nullptr;
    if (pid && pid->is_int64() && printed && printed->is_string() && directory && directory->is_string())
      known_[std::string{key}] = {static_cast<pid_t>(pid->get_int64()), std::string{printed->get_string()},
                                  std::string{directory->get_string()}};
  }
}

std::optional<bounded_run> probe_memory::find(const std::string& key) const {
  const auto found = known_.find(key);
  if (found == known_.end())
    return std::nullopt;
  bounded_run out;
  out.pid = found->second.pid;
  out.printed = found->second.printed;
  out.directory = found->second.directory;
  return out;
}

void probe_memory::keep(const std::string& key, const bounded_run& run) {
  if (known_.size() >= most_answers)
    known_.clear();
  known_[key] = {run.pid, run.printed, run.directory.native()};
  json::object all;
  for (const auto& [one, answer] : known_)
    all[one] =
        json::object{{"pid", answer.pid}, {"printed", answer.printed}, {"directory", answer.directory}};
  auto fresh = file_;
  fresh += ".new";
  std::ofstream out{fresh, std::ios::trunc};
  std::error_code ignored;
  fs::permissions(fresh, fs::perms::owner_read | fs::perms::owner_write, ignored);
  out << json::serialize(all) << std::flush;
  if (out)
    fs::rename(fresh, file_, ignored);
  else
    fs::remove(fresh, ignored);
}

std::string probe_memory::key_of(const process::launch_request& what, std::string_view identity,
                                 std::string_view sandbox) {
  utsname kernel{};
  ::uname(&kernel);
  auto text =
      fmt::format("{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n", KILN_VERSION, local::identity_of("/proc/self/exe"),
                  std::string_view{kernel.release}, std::string_view{kernel.version},
                  local::identity_of("/etc/ld.so.cache"), what.executable.native(), identity, sandbox);
  for (const auto& one : what.arguments)
    text += one + "\n";
  text += what.working_directory.native() + "\n";
  auto variables = what.environment;
  std::erase_if(variables, [](const std::string& one) { return !counts(one); });
  std::ranges::sort(variables);
  for (const auto& one : variables)
    text += one + "\n";
  return digest::sha256(text);
}

} // namespace kiln::app

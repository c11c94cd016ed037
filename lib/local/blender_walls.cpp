// SPDX-License-Identifier: Apache-2.0
#include "local/blender_walls.hpp"

#include "base/environment.hpp"
#include "base/paths.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <sstream>
#include <string_view>
#include <utility>

namespace kiln::local {
namespace {

namespace fs = std::filesystem;

/// Programs, libraries, fonts and their settings, as distributions place them. Of /etc only files that a
/// program reads to start, to draw a font or to find a driver.
constexpr std::array system_files{"/usr",
                                  "/lib",
                                  "/lib32",
                                  "/lib64",
                                  "/bin",
                                  "/sbin",
                                  "/nix/store",
                                  "/gnu/store",
                                  "/run/opengl-driver",
                                  "/etc/ld.so.cache",
                                  "/etc/ld.so.conf",
                                  "/etc/ld.so.conf.d",
                                  "/etc/ld.so.preload",
                                  "/etc/alternatives",
                                  "/etc/passwd",
                                  "/etc/group",
                                  "/etc/nsswitch.conf",
                                  "/etc/localtime",
                                  "/etc/timezone",
                                  "/etc/locale.alias",
                                  "/etc/mime.types",
                                  "/etc/ssl/openssl.cnf",
                                  "/etc/python3",
                                  "/etc/python3.11",
                                  "/etc/fonts",
                                  "/var/cache/fontconfig",
                                  "/etc/blender"};

/// Machine facts read by drivers and libraries: processors, memory, limits, devices.
constexpr std::array machine_files{"/proc/cpuinfo",     "/proc/meminfo", "/proc/stat",    "/proc/version",
                                   "/proc/filesystems", "/proc/devices", "/proc/modules", "/proc/sys",
                                   "/proc/driver",      "/sys/devices",  "/sys/class",    "/sys/bus",
                                   "/sys/dev",          "/sys/module",   "/sys/fs/cgroup"};

/// Settings and libraries of GPU vendors.
constexpr std::array gpu_files{"/etc/OpenCL", "/etc/vulkan", "/etc/glvnd", "/etc/drirc",
                               "/etc/egl",    "/etc/nvidia", "/opt/rocm",  "/opt/intel"};

/// CUDA and OptiX: nvidia*. HIP: kfd and dri. oneAPI: dri.
constexpr std::array gpu_devices{"/dev/dri",
                                 "/dev/kfd",
                                 "/dev/nvidiactl",
                                 "/dev/nvidia-uvm",
                                 "/dev/nvidia-uvm-tools",
                                 "/dev/nvidia-modeset",
                                 "/dev/nvidia-caps"};
constexpr int most_nvidia_gpus = 16;

constexpr std::array plain_devices{"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"};

/// The path in a variable; nullopt if it is not absolute.
std::optional<fs::path> path_of(const std::vector<std::string>& environment, std::string_view name) {
  const auto value = value_of(environment, name);
  return value && value->starts_with('/') ? std::optional{fs::path{*value}} : std::nullopt;
}

/// Blender's own settings and the user's fonts; nothing else of the home directory.
void add_users_files(std::vector<fs::path>& to, const std::vector<std::string>& environment) {
  for (const char* name : {"BLENDER_USER_CONFIG", "BLENDER_USER_SCRIPTS", "BLENDER_USER_DATAFILES",
                           "BLENDER_USER_RESOURCES", "BLENDER_SYSTEM_SCRIPTS", "BLENDER_SYSTEM_DATAFILES",
                           "BLENDER_SYSTEM_PYTHON", "BLENDER_SYSTEM_RESOURCES", "OCIO"})
    if (auto path = path_of(environment, name))
      to.push_back(std::move(*path));
  if (const auto config = path_of(environment, "XDG_CONFIG_HOME"))
    to.push_back(*config / "blender");
  if (const auto home = path_of(environment, "HOME"))
    for (const char* below : {".config/blender", ".fonts", ".local/share/fonts"})
      to.push_back(*home / below);
}

boost::json::array list_of(const std::vector<fs::path>& paths) {
  boost::json::array list;
  for (const auto& path : paths)
    list.emplace_back(path.native());
  return list;
}

} // namespace

process::walls walls_around_blender(const installation& here) {
  process::walls w;
  w.read.assign(system_files.begin(), system_files.end());
  w.read.insert(w.read.end(), machine_files.begin(), machine_files.end());
  w.read.insert(w.read.end(), gpu_files.begin(), gpu_files.end());
  add_users_files(w.read, here.environment);
  w.read.insert(w.read.end(), here.project_roots.begin(), here.project_roots.end());
  w.read.insert(w.read.end(), here.also_read.begin(), here.also_read.end());
  w.write = here.also_write;
  w.hidden = {here.state, here.output, here.output / ".kiln"};
  w.hidden.insert(w.hidden.end(), here.secret_files.begin(), here.secret_files.end());
  w.devices.assign(plain_devices.begin(), plain_devices.end());
  w.devices.insert(w.devices.end(), gpu_devices.begin(), gpu_devices.end());
  for (int number = 0; number < most_nvidia_gpus; ++number)
    w.devices.emplace_back("/dev/nvidia" + std::to_string(number));
  if (here.display) {
    w.talk = process::sockets::local;
    w.read.emplace_back("/tmp/.X11-unix");
    if (auto authority = path_of(here.environment, "XAUTHORITY"))
      w.read.push_back(std::move(*authority));
    if (const auto home = path_of(here.environment, "HOME"))
      w.read.push_back(*home / ".Xauthority");
  }
  return w;
}

process::walls walls_of_attempt(process::walls common, const std::vector<fs::path>& places_of_blender,
                                const executor::attempt_paths& paths, const fs::path& blend) {
  common.read.insert(common.read.end(), places_of_blender.begin(), places_of_blender.end());
  common.read.push_back(blend);
  common.write.push_back(paths.directory);
  return common;
}

std::string describe_for_script(const process::walls& around) {
  boost::json::array shown = list_of(around.read);
  for (const auto& path : around.write)
    shown.emplace_back(path.native());
  boost::json::object walls;
  walls["read"] = std::move(shown);
  walls["hidden"] = list_of(around.hidden);
  return "KILN_SANDBOX=" + boost::json::serialize(walls);
}

std::vector<std::string> environment_inside(const process::walls& around,
                                            std::vector<std::string> environment) {
  constexpr std::string_view name = "PATH=";
  const auto is_inside = [&around](const fs::path& directory) {
    const auto holds = [&directory](const fs::path& allowed) { return is_at_or_below(directory, allowed); };
    return std::ranges::any_of(around.read, holds) || std::ranges::any_of(around.write, holds);
  };
  for (auto& variable : environment) {
    if (!variable.starts_with(name))
      continue;
    std::string kept;
    std::istringstream directories{variable.substr(name.size())};
    for (std::string directory; std::getline(directories, directory, ':');)
      if (is_inside(fs::path{directory}.lexically_normal()))
        kept += (kept.empty() ? "" : ":") + directory;
    variable = std::string{name} + (kept.empty() ? "/usr/bin:/bin" : kept);
  }
  return environment;
}

} // namespace kiln::local

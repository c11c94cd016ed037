// SPDX-License-Identifier: Apache-2.0

// A stand-in for Blender 3.4 that plays a script (fake_blender_script.hpp): it takes Blender's arguments,
// prints Blender's lines and writes real images of 4 x 4 pixels. With -P kiln_session.py it stays.
#include "fake_blender_script.hpp"
#include "fake_blender_session.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

using namespace kiln::tests;

namespace {

int play_once(const std::string& blend, const std::vector<std::string>& arguments,
              const std::vector<int>& frames, const std::string& pattern) {
  const auto s = read_script(blend);
  std::cout << "Read blend: " << blend << std::endl;
  begin(s, arguments);
  for (const int frame : frames)
    render(s, pattern, frame);
  end(s);
  return s.exit_status != 0 && s.misbehaves() ? s.exit_status : 0;
}

/// As kiln_install.py does.
void print_install_report() {
  const auto binary = std::filesystem::read_symlink("/proc/self/exe").native();
  struct stat file {};
  ::stat(binary.c_str(), &file);
  const char* temp = std::getenv("TMPDIR");
  std::cout << "kiln: "
            << boost::json::serialize(
                   boost::json::object{{"version", "3.4.1"},
                                       {"binary", binary},
                                       {"device", file.st_dev},
                                       {"inode", file.st_ino},
                                       {"pid", ::getpid()},
                                       {"group", ::getpgrp()},
                                       {"directory", std::filesystem::current_path().native()},
                                       {"temp", temp ? temp : ""},
                                       {"places", boost::json::array{}}})
            << std::endl;
}

} // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  std::cout << "Blender 3.4.1" << std::endl;
  if (!arguments.empty() && arguments[0] == "--version")
    return 0;
  const auto expression = std::ranges::find(arguments, "--python-expr");
  if (expression != arguments.end() && std::next(expression)->find("getpgrp") != std::string::npos) {
    print_install_report();
    return 0;
  }
  if (expression != arguments.end()) { // kiln_devices.py
    const char* silent = std::getenv("FAKE_BLENDER_DEVICES");
    std::cout << (silent ? silent
                         : R"(kiln: {"devices": [{"type": "CPU", "name": "a CPU"}], "engines": ["CYCLES"]})")
              << std::endl;
    return 0;
  }
  std::map<std::string, std::string> options;
  std::string blend;
  std::vector<int> frames;
  const std::set<std::string> with_value{
      "-o", "-x", "-s", "-e", "-j", "-t", "-P", "-S", "--python-exit-code", "--log", "--log-level"};
  for (std::size_t i = 0; i < arguments.size() && arguments[i] != "--"; ++i) {
    const auto& a = arguments[i];
    if (with_value.contains(a))
      options[a] = arguments.at(++i);
    else if (a == "-a")
      for (int frame = std::stoi(options["-s"]); frame <= std::stoi(options["-e"]);
           frame += std::stoi(options["-j"]))
        frames.push_back(frame);
    else if (!a.starts_with('-'))
      blend = a;
  }
  if (options["-P"].ends_with("kiln_session.py"))
    return run_session(arguments);
  int status = 0;
  try {
    status = play_once(blend, arguments, frames, options["-o"]);
  } catch (const quit& q) {
    status = q.status;
  }
  std::cout << "\nBlender quit" << std::endl;
  return status;
}

// SPDX-License-Identifier: Apache-2.0
//
// Slurm as one attempt meets it: programs that write down what they were asked and say what a test has told
// them to, and the files that runs on nodes write. What squeue would print is for the test to say. (The
// simulation for whole daemons is slurm_simulation.py.)
#pragma once

#include "slurm/batch_script.hpp"
#include "slurm/names.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace kiln::tests {

class fake_slurm {
public:
  explicit fake_slurm(std::filesystem::path programs) : programs_(std::move(programs)) {
    std::filesystem::create_directories(programs_);
    for (const char* name : {"sbatch", "scancel", "scontrol"}) {
      std::ofstream{programs_ / name} << R"(#!/bin/sh
name=${0##*/} here=${0%/*}
echo "$name $*" >> "$here/asked"
while [ -e "$here/$name.held" ]; do sleep 0.01; done
cat "$here/$name.says" 2>/dev/null
exit $(cat "$here/$name.status" 2>/dev/null || echo 0)
)";
      std::filesystem::permissions(programs_ / name, std::filesystem::perms::owner_all);
    }
  }

  /// What a program says from now on, and its exit status.
  void let(const std::string& program, const std::string& say, int status = 0) const {
    write(programs_ / (program + ".says"), say);
    write(programs_ / (program + ".status"), std::to_string(status));
  }

  /// A program that is asked does not answer until it is let go.
  void hold(const std::string& program) const { write(programs_ / (program + ".held"), ""); }
  void let_go(const std::string& program) const { std::filesystem::remove(programs_ / (program + ".held")); }

  /// Every call that begins so, with its arguments.
  [[nodiscard]] std::vector<std::string> asked(const std::string& beginning) const {
    std::vector<std::string> calls;
    std::ifstream in{programs_ / "asked"};
    for (std::string line; std::getline(in, line);)
      if (line.starts_with(beginning))
        calls.push_back(line);
    return calls;
  }

  [[nodiscard]] const std::filesystem::path& programs() const { return programs_; }

private:
  static void write(const std::filesystem::path& file, const std::string& text) {
    std::ofstream{file.native() + ".new"} << text;
    std::filesystem::rename(file.native() + ".new", file); // a program may be reading
  }

  std::filesystem::path programs_;
};

/// A run of a task on a node, by the files that it writes.
class fake_run {
public:
  fake_run(const std::filesystem::path& array, const slurm::run_name& name) : place_(array / name.str()) {
    std::filesystem::create_directories(place_);
    write(slurm::began_file, "");
  }

  void load() const { write(slurm::loaded_file, ""); }
  void print(const std::string& text) const {
    std::ofstream{place_ / slurm::log_file, std::ios::app} << text;
  }
  void render(int frame, const std::string& text = "image") const { write(frame_name(frame), text); }
  /// Blender has ended; these frames lay there then.
  void end(int status, const std::vector<int>& frames = {}) const {
    std::string record = "status " + std::to_string(status) + "\nnode n1\n";
    for (const int frame : frames)
      record += "file " + frame_name(frame) + "\n";
    write(slurm::record_file, record + "end\n");
  }

  [[nodiscard]] static std::string frame_name(int frame) {
    auto digits = std::to_string(frame);
    return "blender-render_" + std::string(4 - digits.size(), '0') + digits + ".png";
  }

private:
  void write(std::string_view name, const std::string& text) const { std::ofstream{place_ / name} << text; }

  std::filesystem::path place_;
};

} // namespace kiln::tests

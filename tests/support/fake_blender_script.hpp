// SPDX-License-Identifier: Apache-2.0
//
// What fake_blender plays. The script is the .blend: "BLENDER-v304", then one command a line:
// - frame_seconds S: each frame takes S seconds
// - samples N: N lines of progress a frame
// - exit N: exits with status N at the end
// - raise S [at F]: dies by signal S, at frame F or at the end
// - ignore TERM: ignores SIGTERM, and says so
// - fork [N]: leaves a process, or N, in its group that sleep on
// - hold MB: holds as much memory before the frames
// - flood MB: prints as much before the frames
// - print TEXT: prints TEXT before the frames
// - half_frame N: writes half an image for frame N
// - skip_frame N: writes none
// - further NODE--SLOT: writes NODE--SLOT_0001.png besides each frame, and before it, as File Output nodes do
// - half_further N: writes half an image for those of frame N
// - placeholders: makes each file empty first
// - hang: waits without end after the frames
// - hang_load: a session that loads it early never comes to an end
// - wait_file PATH [N]: waits for PATH before each frame, from N on
// - list_fds, print_env, print_arguments: prints them
// - noise N: frames are N x N pixels that do not compress
// - once PATH: exit, raise, half_frame, half_further and skip_frame only while there is no PATH, which is
// then made
// - leak MB: a session holds as much more after each frame
// - # TEXT: nothing; it makes the file longer
#pragma once

#include <fstream>
#include <set>
#include <string>
#include <vector>

#include <unistd.h>

namespace kiln::tests {

struct script {
  double frame_seconds = 0;
  int samples = 0;
  int noise = 0; ///< pixels a side; 0: the small grey image
  int exit_status = 0;
  int raise_signal = 0;
  int raise_at = -1; ///< -1: at the end
  int flood_megabytes = 0;
  int forks = 0, held_megabytes = 0;
  int litter_files = 0, litter_megabytes = 0; ///< empty files, and the size of one more, in its directory
  bool spins = false, grows = false, bombs = false;
  bool hangs = false, placeholders = false, lists_descriptors = false, prints_environment = false;
  bool ignores_term = false;
  bool load_hangs = false; ///< when a session is to load it before its attempt comes
  std::set<int> half_frames, skipped_frames, half_further;
  std::vector<std::string> texts, further;
  std::string wait_file;
  int wait_from = 0;
  std::string once;
  bool prints_arguments = false;
  int leak_megabytes = 0;

  /// Whether this run misbehaves.
  [[nodiscard]] bool misbehaves() const {
    if (once.empty())
      return true;
    if (::access(once.c_str(), F_OK) == 0)
      return false;
    std::ofstream{once} << "done\n";
    return true;
  }
};

/// What ends Blender, or in a session the attempt.
struct quit {
  int status = 1;
};

/// Says why, and throws quit.
[[noreturn]] void fail(const std::string& why, int status = 1);

script read_script(const std::string& file);

/// What the script does before its frames.
void begin(const script& s, const std::vector<std::string>& arguments);
/// `pattern`: as -o has it.
void render(const script& s, const std::string& pattern, int frame);
/// What it does after them.
void end(const script& s);

} // namespace kiln::tests

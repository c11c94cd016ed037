// SPDX-License-Identifier: Apache-2.0
//
// A user's job and its states, independent of how and where it is rendered.
#pragma once

#include "base/error.hpp"
#include "domain/frame_set.hpp"

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kiln::domain {

enum class job_state { queued, running, paused, succeeded, failed, canceled };

/// The state's name as the API writes it.
[[nodiscard]] std::string_view to_string(job_state state) noexcept;
[[nodiscard]] std::optional<job_state> parse_job_state(std::string_view name) noexcept;

/// succeeded, failed and canceled: nothing more happens unless a user retries the job.
[[nodiscard]] bool is_final(job_state state) noexcept;

/// queued → running, paused, and final; running → queued (requeued), paused, and final; paused → queued,
/// failed, canceled; failed, canceled → queued (retry).
[[nodiscard]] bool can_become(job_state from, job_state to) noexcept;

/// The settings of its .blend that a job overrides. Empty values keep the setting of the file.
struct render_settings {
  std::string engine;     ///< "CYCLES", "BLENDER_EEVEE", …
  std::string scene;      ///< of the .blend; empty: its active scene
  std::string view_layer; ///< the only one rendered
  std::string camera;
  std::string format; ///< PNG, OPEN_EXR, OPEN_EXR_MULTILAYER, JPEG, TIFF, WEBP
  std::optional<std::pair<int, int>> resolution = {}; ///< pixels, 4 to 65536
  std::optional<int> resolution_percentage = {};      ///< 1 to 1000
  std::optional<int> samples = {};                    ///< 1 to 16777216
  std::optional<int> seed = {};                       ///< 0 to 2147483647
  std::string device;                                 ///< CPU, CUDA, OPTIX, HIP, ONEAPI, METAL
  bool frames_of_file = false; ///< the job has named no frames: it has those of the file, whose step is 1

  friend bool operator==(const render_settings&, const render_settings&) = default;
};

/// The order in which frames are rendered.
enum class frame_order {
  ascending,
  spread, ///< the first, the last, the middle, then halves: shows errors early
};

/// Options of a job for a Slurm cluster. Empty values keep the site's default.
struct slurm_settings {
  std::string partition, account, qos;
  std::string constraint;                        ///< features of nodes
  std::string gres;                              ///< "gpu:a100:1"
  std::string mem;                               ///< of each task: "16G"
  std::optional<std::chrono::seconds> time = {}; ///< of each task; default: computed from measured frames

  friend bool operator==(const slurm_settings&, const slurm_settings&) = default;
};

struct job_spec {
  std::filesystem::path blend; ///< absolute
  frame_set frames;
  std::string blender;         ///< the name of an install; empty: kilnd has yet to choose one
  std::string blender_choice;  ///< why kilnd chose that one; empty if the client named it
  std::string blender_warning; ///< parts of the .blend that Blender may lose; empty: none
  render_settings settings;
  int threads = 0; ///< Blender's -t: 0 = all, else 1 to 1024

  std::string blend_name; ///< as the client wrote it
  std::string name;       ///< for people
  std::vector<std::string> tags;
  std::string note;     ///< for people, of several lines
  std::string copy_of;  ///< the id of the job that it was made from; empty: none
  std::string trace_id; ///< of the submitting request (W3C Trace Context); empty: none
  int priority = 0;     ///< -100 to 100; higher goes first
  int retries = 2;      ///< 0 to 100: further tries of a failed frame
  frame_set
      hold_after; ///< rendered first; the job then pauses itself. Empty: it does not, or was told to go on
  frame_order order = frame_order::ascending;
  int processes = 1;        ///< Blenders that render it at once, 1 to 1024; 0: as many as speed it up
  bool own_process = false; ///< each attempt has its own Blender, which renders nothing else
  bool autorun = false;     ///< Blender runs the scripts and Python drivers of the .blend; needs own_process
  bool strict = false;      ///< a warning fails the job before its first frame
  bool fail_fast = false;   ///< the first failed attempt fails the job: no retries
  std::optional<std::chrono::seconds> timeout = {};       ///< total rendering time
  std::optional<std::chrono::seconds> stall_timeout = {}; ///< without output, frame or CPU time
  slurm_settings slurm;

  friend bool operator==(const job_spec&, const job_spec&) = default;
};

/// An invalid field of a job.
struct field_error {
  std::string pointer; ///< JSON pointer (RFC 6901): "/resolution/0"
  std::string message;

  friend bool operator==(const field_error&, const field_error&) = default;
};

/// What people call a job: changed at any time. Those that are not set stay as they are.
struct labels {
  std::optional<std::string> name = {};
  std::optional<std::string> note = {};
  std::optional<std::vector<std::string>> tags = {};
};

/// All errors in name, note and tags.
[[nodiscard]] std::vector<field_error> check_labels(const std::string& name, const std::string& note,
                                                    const std::vector<std::string>& tags);

inline constexpr int lowest_priority = -100, highest_priority = 100;

/// The .blends that may run their scripts and Python drivers, if their jobs ask for it.
enum class autorun_scope {
  never,
  roots, ///< those below a project root, where neither clients of kilnd nor Blender can write
  always,
};

/// "never", "roots", "always"
[[nodiscard]] std::string_view to_string(autorun_scope scope) noexcept;
[[nodiscard]] std::optional<autorun_scope> parse_autorun_scope(std::string_view name) noexcept;

struct job_limits {
  std::size_t max_frames = 100'000;       ///< frames of one job
  std::vector<std::string> blenders = {}; ///< the names of the installs
  bool has_cluster = false;               ///< whether a job may set options of Slurm
  autorun_scope autorun = autorun_scope::never;
  /// Absolute paths where clients (uploads) and Blender (frames, caches) write: autorun_scope::roots excludes
  /// them even below a project root.
  std::vector<std::filesystem::path> not_of_roots = {};
};

/// Why the scripts of the job's .blend must not run; nullopt if they may, or if the job does not ask for it.
/// Check it for each attempt: the limits may have changed since the job was accepted.
[[nodiscard]] std::optional<std::string> refuse_autorun(const job_spec& spec, const job_limits& limits);

/// All errors in a job; empty if it is acceptable.
[[nodiscard]] std::vector<field_error> check_job(const job_spec& spec, const job_limits& limits);

} // namespace kiln::domain

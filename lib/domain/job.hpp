// SPDX-License-Identifier: Apache-2.0
//
// What a user asks for, and the states it goes through. Nothing here knows how or where it is rendered.
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

/// succeeded, failed and canceled: nothing more happens, unless somebody asks for another try.
[[nodiscard]] bool is_final(job_state state) noexcept;

/// queued → running, paused, and final; running → queued (requeued), paused, and final; paused → queued,
/// failed, canceled; failed, canceled → queued (another try).
[[nodiscard]] bool can_become(job_state from, job_state to) noexcept;

/// What a job changes of its .blend. What is empty stays as it is in the file.
struct render_settings {
  std::string engine;     ///< "CYCLES", "BLENDER_EEVEE", …
  std::string scene;      ///< of the .blend; its active one when empty
  std::string view_layer; ///< the only one that renders
  std::string camera;
  std::string format; ///< PNG, OPEN_EXR, OPEN_EXR_MULTILAYER, JPEG, TIFF, WEBP
  std::optional<std::pair<int, int>> resolution = {}; ///< pixels, 4 to 65536
  std::optional<int> resolution_percentage = {};      ///< 1 to 1000
  std::optional<int> samples = {};                    ///< 1 to 16777216
  std::optional<int> seed = {};                       ///< 0 to 2147483647
  std::string device;                                 ///< CPU, CUDA, OPTIX, HIP, ONEAPI, METAL

  friend bool operator==(const render_settings&, const render_settings&) = default;
};

/// In which order frames are rendered.
enum class frame_order {
  ascending,
  spread, ///< the first, the last, the middle, then halves: what is wrong is seen early
};

/// What a job asks of a Slurm cluster. What is empty is as the site has it.
struct slurm_settings {
  std::string partition, account, qos;
  std::string constraint;                        ///< features of nodes
  std::string gres;                              ///< "gpu:a100:1"
  std::string mem;                               ///< of each task: "16G"
  std::optional<std::chrono::seconds> time = {}; ///< of each task; reckoned from measured frames otherwise

  friend bool operator==(const slurm_settings&, const slurm_settings&) = default;
};

struct job_spec {
  std::filesystem::path blend; ///< absolute
  frame_set frames;
  std::string blender;         ///< the name of an install; empty: kilnd's choice, which is still to be made
  std::string blender_choice;  ///< why kilnd chose that one; empty where the client named it
  std::string blender_warning; ///< what of the .blend that Blender may lose; empty: nothing
  render_settings settings;
  int threads = 0; ///< Blender's -t: 0 = all, else 1 to 1024

  std::string blend_name; ///< as the client wrote it
  std::string name;       ///< for people
  std::vector<std::string> tags;
  std::string trace_id; ///< of the request that asked for it (W3C Trace Context); empty: none
  int priority = 0;     ///< -100 to 100; higher goes first
  int retries = 2;      ///< 0 to 100: further tries of a frame that failed
  frame_order order = frame_order::ascending;
  int processes = 1;        ///< Blenders that render it at once, 1 to 1024; 0: as many as it gains by
  bool own_process = false; ///< each attempt has a Blender of its own, which renders nothing else
  bool autorun = false;     ///< Blender runs the scripts and Python drivers of the .blend; needs own_process
  bool strict = false;      ///< a warning fails the job before its first frame
  bool fail_fast = false;   ///< the first attempt that fails fails the job: nothing is tried again
  std::optional<std::chrono::seconds> timeout = {};       ///< of rendering, in all
  std::optional<std::chrono::seconds> stall_timeout = {}; ///< without output, frame or CPU time
  slurm_settings slurm;

  friend bool operator==(const job_spec&, const job_spec&) = default;
};

inline constexpr int lowest_priority = -100, highest_priority = 100;

/// Which .blends may run their scripts and Python drivers, if their jobs ask for it.
enum class autorun_scope {
  never,
  roots, ///< those below a project root, where neither clients of kilnd nor Blender can write
  always,
};

/// "never", "roots", "always"
[[nodiscard]] std::optional<autorun_scope> parse_autorun_scope(std::string_view name) noexcept;

struct job_limits {
  std::size_t max_frames = 100'000;       ///< frames of one job
  std::vector<std::string> blenders = {}; ///< the names of those that are here
  bool has_cluster = false;               ///< whether a job may ask something of Slurm
  autorun_scope autorun = autorun_scope::never;
  /// Absolute; where clients (uploads) and Blender (frames, caches) write: autorun_scope::roots leaves them
  /// out where they lie below a project root.
  std::vector<std::filesystem::path> not_of_roots = {};
};

/// A field of a job that cannot be taken.
struct field_error {
  std::string pointer; ///< JSON pointer (RFC 6901): "/resolution/0"
  std::string message;

  friend bool operator==(const field_error&, const field_error&) = default;
};

/// Why the scripts of the job's .blend must not run; nothing if they may, or if the job does not ask for it.
/// Holds for each attempt: the limits may be others than when the job was taken.
[[nodiscard]] std::optional<std::string> refuse_autorun(const job_spec& spec, const job_limits& limits);

/// All that is wrong with a job; nothing when Kiln takes it.
[[nodiscard]] std::vector<field_error> check_job(const job_spec& spec, const job_limits& limits);

} // namespace kiln::domain

// SPDX-License-Identifier: Apache-2.0
#include "app/config_options.hpp"

#include "app/config_checks.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace kiln::app {
namespace {

void add_slurm_options(CLI::App& app, config& c, words& w) {
  const std::string group = "Slurm";
  app.add_option("--executor", w.executor,
                 "Where renders run: on this machine (local), or on a cluster (slurm)")
      ->check(CLI::IsMember({"local", "slurm"}))
      ->capture_default_str()
      ->group(group);
  app.add_option("--slurm-programs", c.slurm_programs,
                 "Directory of sbatch, squeue, scancel and scontrol [PATH]")
      ->type_name("DIR")
      ->group(group);
  app.add_option("--slurm-template", c.slurm_template,
                 "Script that nodes run instead of Blender; its arguments are Blender's command line")
      ->type_name("FILE")
      ->group(group);
  app.add_option("--slurm-option", c.slurm_options, "Option of sbatch for every job, such as --exclusive")
      ->check(checked_by(
          [](const std::string& text) -> result<void> {
            if (text.starts_with("--") && text.size() > 2)
              return {};
            return error{errc::invalid_input, text + " is not an option such as --partition=render"};
          },
          ""))
      ->type_name("OPTION")
      ->group(group);
  app.add_option("--slurm-tasks", c.slurm_tasks, "Tasks of an array that may run at once (%K)")
      ->check(CLI::Range(1, 100'000))
      ->type_name("N")
      ->capture_default_str()
      ->group(group);
  app.add_option("--slurm-array-tasks", c.slurm_array_tasks,
                 "Tasks of one array: less than the cluster's MaxArraySize")
      ->check(CLI::Range(1, 1'000'000))
      ->type_name("N")
      ->capture_default_str()
      ->group(group);
  app.add_option("--slurm-task-seconds", c.slurm_task_seconds, "Seconds that a task shall render")
      ->check(between(1, 86'400))
      ->type_name("S")
      ->capture_default_str()
      ->group(group);
  app.add_option("--slurm-nice-step", c.slurm_nice_step,
                 "Slurm's nice for each step of a job's priority below the highest")
      ->check(CLI::Range(0, 1'000'000))
      ->type_name("N")
      ->capture_default_str()
      ->group(group);
  app.add_option("--slurm-poll", c.slurm_poll, "Seconds between looks at the queue and the tasks' files")
      ->check(between(0.05, 60))
      ->type_name("S")
      ->capture_default_str()
      ->group(group);
  app.add_option("--slurm-lag", c.slurm_lag, "Seconds that the shared file system may show files late")
      ->check(between(0, 3600))
      ->type_name("S")
      ->capture_default_str()
      ->group(group);
}

/// CLI::AsSizeValue takes "-1" for a very large size.
std::string not_negative(std::string& text) {
  return text.starts_with('-') ? text + " is less than nothing" : std::string{};
}

/// What is kept of what clients send and jobs leave, and how long.
void add_keeping_options(CLI::App& app, config& c) {
  const auto size = [&](const char* flag, std::uintmax_t& into, const char* text) {
    app.add_option(flag, into, text)
        ->transform(CLI::AsSizeValue(false))
        ->check(CLI::Validator{not_negative, ""}) // CLI11 runs the newest first
        ->type_name("SIZE")
        ->capture_default_str()
        ->group("Keeping");
  };
  const auto days = [&](const char* flag, double& into, const char* text) {
    app.add_option(flag, into, text)
        ->check(between(0, 36'500))
        ->type_name("DAYS")
        ->capture_default_str()
        ->group("Keeping");
  };
  size("--max-upload-bytes", c.max_upload_bytes, "Size of one uploaded .blend: bytes, or 2GiB");
  size("--uploads-quota", c.uploads_quota, "Size of all uploads together; more are refused");
  app.add_flag("--share-uploads", c.share_uploads,
               "Any token may see and render each upload, not only those that have sent it, and admins")
      ->group("Keeping");
  days("--uploads-keep-days", c.uploads_keep_days,
       "Days until an upload is removed that no job has used since; 0: never");
  days("--jobs-keep-days", c.jobs_keep_days,
       "Days until a job that has ended is removed, with its frames and logs; 0: never");
  size("--previews-quota", c.previews_quota,
       "Size of all pictures of frames made on demand, over which the oldest are removed");
  size("--videos-quota", c.videos_quota, "Size of all videos, over which the oldest are removed");
  size("--jobs-quota", c.jobs_quota,
       "Size of all frames together, over which the jobs that ended first are removed; 0: no limit");
}

} // namespace

void add_options(CLI::App& app, config& c, words& w, const std::string& default_file) {
  app.set_config("--config", default_file, "File with the same keys as these flags, for instance: slots = 2")
      ->type_name("FILE");
  app.add_flag("--check", c.check_only,
               "Check configuration, Blender, .blend and paths; say what is wrong; exit")
      ->configurable(false);

  app.add_option("--blend", c.blend, "The .blend that POST /job renders")
      ->type_name("FILE")
      ->group("Rendering");
  app.add_option("--project-root", c.project_roots,
                 "A job's .blend must lie below one of these [the directory of --blend]")
      ->type_name("DIR")
      ->delimiter(':')
      ->group("Rendering");
  app.add_option("--blender", w.blenders,
                 "Blender's executable: a path, or a name in PATH; several: NAME=PATH [blender]")
      ->type_name("PATH")
      ->delimiter(':')
      ->group("Rendering");
  app.add_option("--output", c.output,
                 "Where frames go, as OUTPUT/JOB/blender-render_0001.png [STATE/output]")
      ->type_name("DIR")
      ->group("Rendering");
  app.add_option("--state", c.state, "Logs and working files [$XDG_STATE_HOME/kiln or ~/.local/state/kiln]")
      ->type_name("DIR")
      ->group("Rendering");
  app.add_option("--slots", c.slots,
                 "Blender processes that may run at once (on Slurm: jobs that may be there at once [100])")
      ->check(CLI::Range(1, 1024))
      ->type_name("N")
      ->capture_default_str()
      ->group("Rendering");
  app.add_option("--threads", c.threads, "Threads of each Blender (0: as many as there are cores)")
      ->check(CLI::Range(0, 1024))
      ->type_name("N")
      ->capture_default_str()
      ->group("Rendering");
  app.add_option("--max-queued", c.max_queued, "Jobs that may wait for a slot")
      ->check(CLI::Range(0, 1'000'000))
      ->type_name("N")
      ->capture_default_str()
      ->group("Rendering");
  app.add_option("--max-frames", c.max_frames, "Frames of one job")
      ->check(CLI::Range(1, 1'048'575))
      ->type_name("N")
      ->capture_default_str()
      ->group("Rendering");
  app.add_option("--stop-grace", c.stop_grace,
                 "Seconds between asking Blender to end (SIGTERM) and killing it")
      ->check(between(0, 3600))
      ->type_name("S")
      ->capture_default_str()
      ->group("Rendering");

  app.add_option("--on-stop", w.on_stop,
                 "Renders when kilnd stops: end (stop; Slurm: leave) or go on until the next start (leave)")
      ->default_str("stop")
      ->check(CLI::IsMember({"stop", "leave"}))
      ->group("Rendering");
  app.add_option("--stall-timeout", c.stall_timeout,
                 "Seconds without output, frame or CPU time until a render has stalled; 0: never")
      ->check(CLI::Range(0, 86'400))
      ->type_name("S")
      ->capture_default_str()
      ->group("Rendering");
  app.add_option("--verify", w.verify,
                 "How frames are checked: every pixel (decode), or structure only (header)")
      ->check(CLI::IsMember({"decode", "header"}))
      ->capture_default_str()
      ->group("Rendering");
  app.add_option("--sessions", c.sessions,
                 "Blenders that stay, idle, for more frames of the same .blend; 0: none does")
      ->check(CLI::Range(0, 1024))
      ->type_name("N")
      ->capture_default_str()
      ->group("Rendering");
  app.add_option("--session-memory", c.session_memory,
                 "What those may hold in memory, in all: bytes, or 2GiB")
      ->transform(CLI::AsSizeValue(false))
      ->check(CLI::Validator{not_negative, ""})
      ->type_name("SIZE")
      ->capture_default_str()
      ->group("Rendering");
  app.add_option("--session-idle", c.session_idle, "Seconds until a Blender that waits is ended")
      ->check(between(0.05, 86'400))
      ->type_name("S")
      ->capture_default_str()
      ->group("Rendering");
  app.add_option("--session-frames", c.session_frames, "Frames until a Blender that stays is replaced")
      ->check(CLI::Range(1, 1'000'000))
      ->type_name("N")
      ->capture_default_str()
      ->group("Rendering");
  app.add_option("--disk-reserve", c.disk_reserve, "No render is started while less is free: bytes, or 2GiB")
      ->transform(CLI::AsSizeValue(false))
      ->check(CLI::Validator{not_negative, ""}) // CLI11 runs the newest first
      ->type_name("SIZE")
      ->capture_default_str()
      ->group("Rendering");
  app.add_option("--exit-idle", c.exit_idle,
                 "Seconds without jobs and connections, after which kilnd ends; 0: never")
      ->check(between(0, 31'536'000))
      ->type_name("S")
      ->capture_default_str()
      ->group("Rendering");
  app.add_option("--look-again", c.look_again,
                 "Seconds between looks at what keeps renders from starting (a full disk)")
      ->check(between(0.05, 3600))
      ->type_name("S")
      ->capture_default_str()
      ->group("Rendering");

  app.add_option("--blender-memory", c.blender_memory,
                 "Bytes in RAM above which a Blender is ended: 8GiB; 0: no bound")
      ->transform(CLI::AsSizeValue(false))
      ->check(CLI::Validator{not_negative, ""})
      ->type_name("SIZE")
      ->capture_default_str()
      ->group("Sandbox");
  app.add_option("--blender-processes", c.blender_processes,
                 "Processes of one Blender above which it is ended; 0: no bound")
      ->check(CLI::Range(0, 1'000'000))
      ->type_name("N")
      ->capture_default_str()
      ->group("Sandbox");
  app.add_option("--blender-disk", c.blender_disk,
                 "Bytes on disk in the directory of a Blender above which it is ended; 0: no bound")
      ->transform(CLI::AsSizeValue(false))
      ->check(CLI::Validator{not_negative, ""})
      ->type_name("SIZE")
      ->capture_default_str()
      ->group("Sandbox");
  app.add_option("--blender-files", c.blender_files,
                 "Files in the directory of a Blender above which it is ended; 0: no bound")
      ->check(CLI::Range(0, 100'000'000))
      ->type_name("N")
      ->capture_default_str()
      ->group("Sandbox");
  app.add_option("--run-as", c.run_as,
                 "User that Blender runs as, if kilnd is root: a name, uid or UID:GID [kiln, if possible]")
      ->check(checked_by(process::find_credentials, ""))
      ->type_name("USER")
      ->group("Sandbox");
  app.add_option("--sandbox", c.sandbox, "What Blender runs in; auto: the best that works here, off: nothing")
      ->check(CLI::IsMember({"auto", "landlock", "bwrap", "off"}))
      ->capture_default_str()
      ->group("Sandbox");
  app.add_option("--sandbox-read", c.sandbox_read,
                 "What Blender may read besides the project roots: asset libraries")
      ->type_name("PATH")
      ->delimiter(':')
      ->group("Sandbox");
  app.add_option("--sandbox-write", c.sandbox_write,
                 "Where Blender may write besides its workspace: caches of GPU kernels")
      ->type_name("DIR")
      ->delimiter(':')
      ->group("Sandbox");
  app.add_flag("--sandbox-display", c.sandbox_display,
               "Blender may talk to an X server (X does not keep clients apart)")
      ->group("Sandbox");
  app.add_option("--autorun", w.autorun,
                 "Scripts of .blends that a job may run: below the project roots (roots), or all (always)")
      ->default_str("never")
      ->check(CLI::IsMember({"never", "roots", "always"}))
      ->group("Sandbox");
  add_keeping_options(app, c);
  add_slurm_options(app, c, w);

  add_network_options(app, c, w);

  app.add_option("--log-level", c.log_level, "How much is logged")
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error"}))
      ->capture_default_str()
      ->group("Logging");
  app.add_option("--log-format", w.log_format, "text for people, json for programs: one object a line")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str()
      ->group("Logging");
  app.add_option("--log-file", c.log_file,
                 "Log to a file, reopened on SIGHUP, or to syslog (the word), instead of standard error")
      ->type_name("FILE")
      ->group("Logging");

  add_limit_options(app, c);
  for (auto* option : app.get_options())
    if (option->get_expected_max() == 1)
      option->take_last();
}

} // namespace kiln::app

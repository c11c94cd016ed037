// SPDX-License-Identifier: Apache-2.0
//
// What kilnd is told: flags, environment (KILN_*) and a TOML file with the same keys, in this order of
// strength.
#pragma once

#include "base/error.hpp"
#include "domain/job.hpp"
#include "process/credentials.hpp"

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace kiln::app {

/// `kilnd token …`
struct token_request {
  enum class verb { add, list, remove };
  verb what = verb::list;
  std::string name;                   ///< not with list
  std::string role;                   ///< only with add, like the following members
  std::optional<std::string> expires; ///< nullopt: never
  std::vector<std::string> projects;  ///< empty: all
};

/// Where HTTP is served: a literal address and a port (0: any free one).
struct listen_address {
  std::string address = "127.0.0.1";
  unsigned short port = 3000;
};

struct named_path {
  std::string name;
  std::filesystem::path path;
};

struct config {
  listen_address listen;
  bool allow_open_network = false; ///< serve on an address that others can reach, though there are no tokens
  std::vector<std::string> allowed_hosts;
  std::vector<std::string> allowed_origins;
  std::string public_url;                   ///< where clients find kilnd behind a proxy; empty: as it says
  std::vector<std::string> trusted_proxies; ///< addresses and networks; what they say of clients is believed
  std::filesystem::path tls_certificate;    ///< absolute, PEM; empty: without TLS
  std::filesystem::path tls_key;
  std::optional<double> rate_limit; ///< requests a second of one token or address; 0: no limit; see rate_of()
  std::optional<double> rate_burst; ///< requests at once
  std::filesystem::path tokens_file; ///< absolute
  bool needs_tokens = false;         ///< tokens_file was said, so it has to be there

  std::vector<named_path> blenders = {
      {"default", "blender"}};                      ///< the usual one first; a path, or a name in PATH
  std::filesystem::path blend;                      ///< absolute; what POST /job renders; empty: nothing
  std::vector<std::filesystem::path> project_roots; ///< absolute; what /v1/jobs may render lies below one
  std::filesystem::path output;                     ///< absolute
  std::filesystem::path state;                      ///< absolute
  std::size_t slots = 1;
  std::size_t max_queued = 1000;
  std::size_t max_frames = 100'000;
  int threads = 0;
  double stop_grace = 10;                  ///< seconds between SIGTERM and SIGKILL
  bool leave_on_stop = false;              ///< renders go on when kilnd stops, for the next one to take up
  std::uintmax_t disk_reserve = 512 << 20; ///< bytes; no attempt is started when less is free
  double exit_idle = 0;             ///< seconds without jobs and connections, then kilnd ends; 0: never
  double look_again = 5;            ///< seconds between looks at what keeps attempts from starting
  int stall_timeout = 600;          ///< seconds, for jobs that say nothing; 0: never
  bool verify_headers_only = false; ///< of images
  std::size_t sessions = 2;         ///< Blenders that are kept for more of the same; 0: none stays
  std::uintmax_t session_memory = 4ULL << 30; ///< bytes, of all those that wait
  double session_idle = 300;                  ///< seconds
  int session_frames = 500;                   ///< that one renders in its life

  std::uintmax_t blender_memory = 0; ///< bytes in RAM of one Blender; 0: no bound
  std::size_t blender_processes = 0; ///< of one Blender; 0: no bound
  std::uintmax_t blender_disk = 0;   ///< bytes on disk in the directory of one Blender; 0: no bound
  std::size_t blender_files = 0;     ///< in the directory of one Blender; 0: no bound

  std::string run_as;                               ///< Blender's user; empty: by choose_blender_user()
  process::credentials_ptr blender_user;            ///< that user; null: kilnd's own
  std::string lack_of_user;                         ///< why Blender runs as root, though nobody says so
  std::string sandbox = "auto";                     ///< auto, landlock, bwrap, off
  std::vector<std::filesystem::path> sandbox_read;  ///< absolute; what Blender may read besides
  std::vector<std::filesystem::path> sandbox_write; ///< absolute; what Blender may write besides
  bool sandbox_display = false;                     ///< Blender may talk to an X server
  domain::autorun_scope autorun = domain::autorun_scope::never;
  bool share_uploads = false; ///< every token sees all
  std::uintmax_t max_upload_bytes = 16ULL << 30;
  std::uintmax_t uploads_quota = 64ULL << 30; ///< bytes of all uploads
  double uploads_keep_days = 30;              ///< that an upload stays which nobody uses; 0: for ever
  double jobs_keep_days = 0;                  ///< that a job stays which has ended; 0: for ever
  std::uintmax_t previews_quota = 1ULL << 30; ///< bytes of pictures made on demand
  std::uintmax_t videos_quota = 10ULL << 30;  ///< bytes of videos
  std::uintmax_t jobs_quota = 0;              ///< bytes of all frames, over which the oldest jobs go; 0: none
  bool on_slurm = false;                      ///< renders go to a cluster: docs/cluster.md
  std::filesystem::path slurm_programs;       ///< directory of sbatch and the others; empty: PATH
  std::filesystem::path slurm_template;       ///< absolute; a script that runs "$@" on a node; empty: none
  std::vector<std::string> slurm_options;     ///< of sbatch, for every job
  std::size_t slurm_tasks = 300;              ///< of one job that may run at once
  std::size_t slurm_array_tasks = 1000;       ///< of one array
  double slurm_task_seconds = 300;            ///< that a task shall take
  int slurm_nice_step = 1;                    ///< of Slurm's nice, for a step of a job's priority
  double slurm_poll = 2;                      ///< seconds between looks at the queue
  double slurm_lag = 60;                      ///< seconds that the shared file system may be late

  std::vector<std::string> webhook_targets; ///< where webhooks may go; empty: there are none
  std::filesystem::path webhook_ca_file;    ///< absolute; PEM, trusted besides the system's

  double header_seconds = 10;
  double body_seconds = 20;
  double write_seconds = 30;
  double idle_seconds = 15;
  std::size_t max_connections = 512;
  std::size_t max_connections_per_address = 64;
  std::size_t max_waiting = 4096;
  std::size_t max_waiting_per_address = 512;
  std::size_t max_header_bytes = 8 * 1024;
  std::size_t max_target_bytes = 4 * 1024;
  std::size_t max_fields = 100;
  std::size_t max_body_bytes = 1024 * 1024;

  std::string log_level = "info"; ///< trace, debug, info, warn, error
  bool log_json = false;
  std::filesystem::path log_file; ///< empty: standard error

  std::vector<std::string>
      passed_over; ///< KILN_ variables that a container platform has set, and that are no keys

  std::filesystem::path config_file;  ///< absolute; it may be missing
  bool check_only = false;            ///< --check
  std::filesystem::path backup_to;    ///< `kilnd backup FILE`: absolute; empty otherwise
  std::optional<token_request> token; ///< `kilnd token …`
};

/// Nothing more to do: print `text` (to standard output when the status is 0) and exit with `status`.
struct early_exit {
  int status = 0;
  std::string text;
};

/// `arguments`: without the program's name; `environment`: "KEY=VALUE", of which only KILN_* counts.
/// `default_file`: read when no other file is named; it need not be there.
[[nodiscard]] std::variant<config, early_exit>
read_config(std::vector<std::string> arguments, const std::vector<std::string>& environment,
            const std::string& default_file = "/etc/kiln/kilnd.toml");

/// "127.0.0.1:3000", "[::1]:3000", ":3000" (all addresses) or "3000" (loopback).
[[nodiscard]] result<listen_address> parse_listen_address(std::string_view text);

/// Whether only this machine reaches a literal address.
[[nodiscard]] bool is_loopback(std::string_view address);

/// Why kilnd must not serve at `c.listen`, if so: others reach it, and nobody has to authenticate.
[[nodiscard]] std::optional<std::string> refuse_open_network(const config& c);

/// The one of `known` that `wrong` was probably meant to be.
[[nodiscard]] std::optional<std::string> nearest_name(std::string_view wrong,
                                                      const std::vector<std::string>& known);

} // namespace kiln::app

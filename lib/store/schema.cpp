// SPDX-License-Identifier: Apache-2.0
#include "store/schema.hpp"

#include "store/private_file.hpp"

#include <fmt/format.h>

#include <array>
#include <filesystem>

#include <SQLiteCpp/Statement.h>
#include <SQLiteCpp/Transaction.h>

namespace kiln::store {
namespace {

constexpr std::array migrations{
    // 1: jobs, their frames and their attempts. A frame has a row once there is something to record.
    R"(
CREATE TABLE job (
  id TEXT NOT NULL PRIMARY KEY CHECK (length(id) = 19 AND id GLOB 'j[0-9a-z]*'),
  state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'paused', 'succeeded', 'failed', 'canceled')),
  wish TEXT NOT NULL CHECK (wish IN ('run', 'pause', 'cancel')),
  revision INTEGER NOT NULL CHECK (revision >= 1),
  blend TEXT NOT NULL CHECK (blend GLOB '/*'),
  spec TEXT NOT NULL CHECK (json_valid(spec)),
  frames_total INTEGER NOT NULL CHECK (frames_total BETWEEN 1 AND 1048575),
  frames_done INTEGER NOT NULL CHECK (frames_done >= 0),
  frames_failed INTEGER NOT NULL CHECK (frames_failed >= 0),
  attempts INTEGER NOT NULL CHECK (attempts >= 0),
  pid INTEGER CHECK (pid > 0),
  render_seconds REAL NOT NULL CHECK (render_seconds >= 0),
  created_ms INTEGER NOT NULL,
  started_ms INTEGER,
  finished_ms INTEGER,
  failure_kind TEXT CHECK (failure_kind IN ('blend_unreadable', 'no_camera', 'engine_unavailable',
    'denoiser_unavailable', 'missing_files', 'output_unwritable', 'disk_full', 'out_of_memory', 'crashed', 'killed',
    'timed_out', 'stalled', 'frames_missing', 'frames_corrupt', 'movie_output', 'blender_missing',
    'invalid_setting', 'internal')),
  failure_message TEXT,
  failure_frame INTEGER CHECK (failure_frame BETWEEN 0 AND 1048574),
  failure_status INTEGER CHECK (failure_status BETWEEN 0 AND 255),
  failure_signal INTEGER CHECK (failure_signal BETWEEN 1 AND 64),
  report TEXT NOT NULL CHECK (report = '' OR json_valid(report)),
  CHECK (frames_done + frames_failed <= frames_total),
  CHECK (state <> 'succeeded' OR frames_done = frames_total),
  CHECK ((state = 'failed') = (failure_kind IS NOT NULL)),
  CHECK ((failure_kind IS NULL) = (failure_message IS NULL)),
  CHECK ((state IN ('succeeded', 'failed', 'canceled')) = (finished_ms IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX job_by_state ON job (state, id);

CREATE TABLE job_tag (
  tag TEXT NOT NULL CHECK (tag <> ''),
  job TEXT NOT NULL REFERENCES job (id) ON DELETE CASCADE,
  PRIMARY KEY (tag, job)
) STRICT, WITHOUT ROWID;
CREATE INDEX job_tag_by_job ON job_tag (job);

CREATE TABLE frame (
  job TEXT NOT NULL REFERENCES job (id) ON DELETE CASCADE,
  frame INTEGER NOT NULL CHECK (frame BETWEEN 0 AND 1048574),
  state TEXT NOT NULL CHECK (state IN ('pending', 'done', 'failed')),
  tries INTEGER NOT NULL CHECK (tries >= 0),
  seconds REAL NOT NULL CHECK (seconds >= 0),
  bytes INTEGER NOT NULL CHECK (bytes >= 0),
  failure_kind TEXT,
  failure_message TEXT,
  failure_status INTEGER,
  failure_signal INTEGER,
  PRIMARY KEY (job, frame),
  CHECK (state <> 'failed' OR failure_kind IS NOT NULL)
) STRICT, WITHOUT ROWID;

CREATE TABLE attempt (
  job TEXT NOT NULL REFERENCES job (id) ON DELETE CASCADE,
  number INTEGER NOT NULL CHECK (number >= 1),
  frames TEXT NOT NULL CHECK (frames <> ''),
  pid INTEGER CHECK (pid > 0),
  began_ms INTEGER NOT NULL,
  ended_ms INTEGER,
  PRIMARY KEY (job, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX attempt_by_pid ON attempt (pid, began_ms) WHERE pid IS NOT NULL;
)",
    // 2: times of frames, by fingerprint: .blend content, settings, Blender. Frame -1 is the loading.
    R"(
CREATE TABLE history (
  key TEXT NOT NULL CHECK (length(key) = 64),
  frame INTEGER NOT NULL CHECK (frame BETWEEN -1 AND 1048574),
  seconds REAL NOT NULL CHECK (seconds >= 0),
  PRIMARY KEY (key, frame)
) STRICT, WITHOUT ROWID;
CREATE TABLE history_use (
  key TEXT NOT NULL PRIMARY KEY CHECK (length(key) = 64),
  used_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX history_by_use ON history_use (used_ms);
)",
    // 3: webhooks and their pending deliveries.
    R"(
CREATE TABLE webhook (
  id TEXT NOT NULL PRIMARY KEY CHECK (length(id) = 19 AND id GLOB 'w[0-9a-z]*'),
  url TEXT NOT NULL CHECK (url GLOB 'http://*' OR url GLOB 'https://*'),
  secret TEXT NOT NULL CHECK (secret GLOB 'whsec_*'),
  created_ms INTEGER NOT NULL,
  disabled_ms INTEGER,
  disabled_why TEXT,
  tried_ms INTEGER,
  tried_event TEXT,
  tried_status INTEGER CHECK (tried_status BETWEEN 100 AND 999),
  tried_error TEXT,
  succeeded_ms INTEGER,
  given_up INTEGER NOT NULL DEFAULT 0 CHECK (given_up >= 0),
  CHECK ((disabled_ms IS NULL) = (disabled_why IS NULL)),
  CHECK ((tried_ms IS NULL) = (tried_event IS NULL))
) STRICT, WITHOUT ROWID;

CREATE TABLE webhook_event (
  event TEXT NOT NULL CHECK (event IN ('job.started', 'job.succeeded', 'job.failed', 'job.canceled')),
  webhook TEXT NOT NULL REFERENCES webhook (id) ON DELETE CASCADE,
  PRIMARY KEY (event, webhook)
) STRICT, WITHOUT ROWID;
CREATE INDEX webhook_event_by_webhook ON webhook_event (webhook);

CREATE TABLE delivery (
  id TEXT NOT NULL PRIMARY KEY CHECK (id <> '' AND id NOT GLOB '*.*'),
  webhook TEXT NOT NULL REFERENCES webhook (id) ON DELETE CASCADE,
  event TEXT NOT NULL CHECK (event IN ('job.started', 'job.succeeded', 'job.failed', 'job.canceled', 'ping')),
  payload TEXT NOT NULL CHECK (json_valid(payload)),
  tries INTEGER NOT NULL CHECK (tries >= 0),
  due_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX delivery_by_webhook ON delivery (webhook, due_ms);
)",
    R"(
-- Keys that clients gave to their requests; a job may be gone before its key is.
CREATE TABLE request (
  principal TEXT NOT NULL,
  key TEXT NOT NULL CHECK (key <> ''),
  digest TEXT NOT NULL,
  job TEXT NOT NULL,
  answer TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  PRIMARY KEY (principal, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX request_by_age ON request (created_ms);
)",
    R"(
-- .blend files that clients have sent, by the SHA-256 of their content; the numbers are their order.
CREATE TABLE upload (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  digest TEXT NOT NULL UNIQUE CHECK (length(digest) = 64 AND digest NOT GLOB '*[^0-9a-f]*'),
  name TEXT NOT NULL,
  bytes INTEGER NOT NULL CHECK (bytes > 0),
  packing TEXT NOT NULL CHECK (packing IN ('none', 'gzip', 'zstd')),
  version INTEGER CHECK (version >= 0),
  frame_start INTEGER,
  frame_end INTEGER,
  scene TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  used_ms INTEGER NOT NULL,
  CHECK ((frame_start IS NULL) = (frame_end IS NULL))
) STRICT;
CREATE INDEX upload_by_use ON upload (used_ms);
-- Which jobs render an upload, and which jobs have ended first.
CREATE INDEX job_by_upload ON job (json_extract(spec, '$.blend')) WHERE json_extract(spec, '$.blend') GLOB 'sha256:*';
CREATE INDEX job_by_end ON job (finished_ms) WHERE finished_ms IS NOT NULL;
)",
    // 6: the owner of a job: the name of a token; NULL without tokens.
    R"(
ALTER TABLE job ADD COLUMN owner TEXT CHECK (owner <> '');
CREATE INDEX job_by_owner ON job (owner, id) WHERE owner IS NOT NULL;
)",
    // 7: a new kind of failure. SQLite cannot change a CHECK, so the table is made again; foreign keys are
    // not
    // enforced during migrations, or dropping the old table would remove what belongs to its rows.
    R"(
CREATE TABLE new_job (
  id TEXT NOT NULL PRIMARY KEY CHECK (length(id) = 19 AND id GLOB 'j[0-9a-z]*'),
  state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'paused', 'succeeded', 'failed', 'canceled')),
  wish TEXT NOT NULL CHECK (wish IN ('run', 'pause', 'cancel')),
  revision INTEGER NOT NULL CHECK (revision >= 1),
  blend TEXT NOT NULL CHECK (blend GLOB '/*'),
  spec TEXT NOT NULL CHECK (json_valid(spec)),
  frames_total INTEGER NOT NULL CHECK (frames_total BETWEEN 1 AND 1048575),
  frames_done INTEGER NOT NULL CHECK (frames_done >= 0),
  frames_failed INTEGER NOT NULL CHECK (frames_failed >= 0),
  attempts INTEGER NOT NULL CHECK (attempts >= 0),
  pid INTEGER CHECK (pid > 0),
  render_seconds REAL NOT NULL CHECK (render_seconds >= 0),
  created_ms INTEGER NOT NULL,
  started_ms INTEGER,
  finished_ms INTEGER,
  failure_kind TEXT CHECK (failure_kind IN ('blend_unreadable', 'no_camera', 'engine_unavailable',
    'denoiser_unavailable', 'display_unavailable', 'missing_files', 'output_unwritable', 'disk_full',
    'out_of_memory', 'crashed', 'killed', 'timed_out', 'stalled', 'frames_missing', 'frames_corrupt',
    'movie_output', 'blender_missing', 'invalid_setting', 'internal')),
  failure_message TEXT,
  failure_frame INTEGER CHECK (failure_frame BETWEEN 0 AND 1048574),
  failure_status INTEGER CHECK (failure_status BETWEEN 0 AND 255),
  failure_signal INTEGER CHECK (failure_signal BETWEEN 1 AND 64),
  report TEXT NOT NULL CHECK (report = '' OR json_valid(report)),
  owner TEXT CHECK (owner <> ''),
  CHECK (frames_done + frames_failed <= frames_total),
  CHECK (state <> 'succeeded' OR frames_done = frames_total),
  CHECK ((state = 'failed') = (failure_kind IS NOT NULL)),
  CHECK ((failure_kind IS NULL) = (failure_message IS NULL)),
  CHECK ((state IN ('succeeded', 'failed', 'canceled')) = (finished_ms IS NOT NULL))
) STRICT, WITHOUT ROWID;
INSERT INTO new_job SELECT id, state, wish, revision, blend, spec, frames_total, frames_done, frames_failed,
  attempts, pid, render_seconds, created_ms, started_ms, finished_ms, failure_kind, failure_message,
  failure_frame, failure_status, failure_signal, report, owner FROM job;
DROP TABLE job;
ALTER TABLE new_job RENAME TO job;
CREATE INDEX job_by_state ON job (state, id);
CREATE INDEX job_by_upload ON job (json_extract(spec, '$.blend')) WHERE json_extract(spec, '$.blend') GLOB 'sha256:*';
CREATE INDEX job_by_end ON job (finished_ms) WHERE finished_ms IS NOT NULL;
CREATE INDEX job_by_owner ON job (owner, id) WHERE owner IS NOT NULL;
)",
    // 8: warnings of a job. Kinds of failure are lib/domain's: a new one needs no new table.
    R"(
CREATE TABLE new_job (
  id TEXT NOT NULL PRIMARY KEY CHECK (length(id) = 19 AND id GLOB 'j[0-9a-z]*'),
  state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'paused', 'succeeded', 'failed', 'canceled')),
  wish TEXT NOT NULL CHECK (wish IN ('run', 'pause', 'cancel')),
  revision INTEGER NOT NULL CHECK (revision >= 1),
  blend TEXT NOT NULL CHECK (blend GLOB '/*'),
  spec TEXT NOT NULL CHECK (json_valid(spec)),
  frames_total INTEGER NOT NULL CHECK (frames_total BETWEEN 1 AND 1048575),
  frames_done INTEGER NOT NULL CHECK (frames_done >= 0),
  frames_failed INTEGER NOT NULL CHECK (frames_failed >= 0),
  attempts INTEGER NOT NULL CHECK (attempts >= 0),
  pid INTEGER CHECK (pid > 0),
  render_seconds REAL NOT NULL CHECK (render_seconds >= 0),
  created_ms INTEGER NOT NULL,
  started_ms INTEGER,
  finished_ms INTEGER,
  failure_kind TEXT CHECK (failure_kind <> ''),
  failure_message TEXT,
  failure_frame INTEGER CHECK (failure_frame BETWEEN 0 AND 1048574),
  failure_status INTEGER CHECK (failure_status BETWEEN 0 AND 255),
  failure_signal INTEGER CHECK (failure_signal BETWEEN 1 AND 64),
  report TEXT NOT NULL CHECK (report = '' OR json_valid(report)),
  owner TEXT CHECK (owner <> ''),
  warnings TEXT NOT NULL CHECK (json_valid(warnings)),
  CHECK (frames_done + frames_failed <= frames_total),
  CHECK (state <> 'succeeded' OR frames_done = frames_total),
  CHECK ((state = 'failed') = (failure_kind IS NOT NULL)),
  CHECK ((failure_kind IS NULL) = (failure_message IS NULL)),
  CHECK ((state IN ('succeeded', 'failed', 'canceled')) = (finished_ms IS NOT NULL))
) STRICT, WITHOUT ROWID;
INSERT INTO new_job SELECT id, state, wish, revision, blend, spec, frames_total, frames_done, frames_failed,
  attempts, pid, render_seconds, created_ms, started_ms, finished_ms, failure_kind, failure_message,
  failure_frame, failure_status, failure_signal, report, owner, '[]' FROM job;
DROP TABLE job;
ALTER TABLE new_job RENAME TO job;
CREATE INDEX job_by_state ON job (state, id);
CREATE INDEX job_by_upload ON job (json_extract(spec, '$.blend')) WHERE json_extract(spec, '$.blend') GLOB 'sha256:*';
CREATE INDEX job_by_end ON job (finished_ms) WHERE finished_ms IS NOT NULL;
CREATE INDEX job_by_owner ON job (owner, id) WHERE owner IS NOT NULL;
)",
    // 9: the total size of all frames, maintained by triggers, so that no end of a job sums a million rows.
    // Rows are updated in place: INSERT OR REPLACE would not fire frame_removed.
    R"(
CREATE TABLE frame_total (
  one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
  bytes INTEGER NOT NULL
) STRICT;
INSERT INTO frame_total SELECT 1, coalesce(sum(bytes), 0) FROM frame;
CREATE TRIGGER frame_added AFTER INSERT ON frame WHEN new.bytes <> 0 BEGIN
  UPDATE frame_total SET bytes = bytes + new.bytes;
END;
CREATE TRIGGER frame_changed AFTER UPDATE OF bytes ON frame WHEN new.bytes <> old.bytes BEGIN
  UPDATE frame_total SET bytes = bytes + new.bytes - old.bytes;
END;
CREATE TRIGGER frame_removed AFTER DELETE ON frame WHEN old.bytes <> 0 BEGIN
  UPDATE frame_total SET bytes = bytes - old.bytes;
END;
)",
    // 10: who has sent an upload: names of tokens. Of those from before, who has rendered it.
    R"(
CREATE TABLE upload_sender (
  digest TEXT NOT NULL REFERENCES upload (digest) ON DELETE CASCADE,
  sender TEXT NOT NULL CHECK (sender <> ''),
  name TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  PRIMARY KEY (digest, sender)
) STRICT, WITHOUT ROWID;
INSERT INTO upload_sender SELECT DISTINCT upload.digest, job.owner, upload.name, upload.created_ms FROM upload
  JOIN job ON json_extract(job.spec, '$.blend') = 'sha256:' || upload.digest WHERE job.owner IS NOT NULL;
)",
    // 11: what a search looks at, apart from the rows of jobs, which are long; and the numbers of jobs,
    // maintained
    // by triggers. A table job that is made again needs them again.
    R"(
CREATE TABLE job_words (
  job TEXT NOT NULL PRIMARY KEY REFERENCES job (id) ON DELETE CASCADE,
  words TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO job_words SELECT id, lower(id || char(10) || coalesce(json_extract(spec, '$.name'), '') || char(10) ||
  coalesce(json_extract(spec, '$.blend'), '') || char(10) || coalesce(owner, '') || char(10) ||
  coalesce((SELECT group_concat(tag, char(10)) FROM job_tag WHERE job = job.id), '')) FROM job;
CREATE TABLE job_count (
  owner TEXT NOT NULL,
  state TEXT NOT NULL,
  jobs INTEGER NOT NULL,
  PRIMARY KEY (owner, state)
) STRICT, WITHOUT ROWID;
INSERT INTO job_count SELECT coalesce(owner, ''), state, count(*) FROM job GROUP BY 1, 2;
CREATE TRIGGER job_added AFTER INSERT ON job BEGIN
  INSERT INTO job_count VALUES (coalesce(new.owner, ''), new.state, 1)
    ON CONFLICT (owner, state) DO UPDATE SET jobs = jobs + 1;
END;
CREATE TRIGGER job_changed AFTER UPDATE OF state ON job WHEN new.state <> old.state BEGIN
  UPDATE job_count SET jobs = jobs - 1 WHERE owner = coalesce(old.owner, '') AND state = old.state;
  INSERT INTO job_count VALUES (coalesce(new.owner, ''), new.state, 1)
    ON CONFLICT (owner, state) DO UPDATE SET jobs = jobs + 1;
END;
CREATE TRIGGER job_removed AFTER DELETE ON job BEGIN
  UPDATE job_count SET jobs = jobs - 1 WHERE owner = coalesce(old.owner, '') AND state = old.state;
END;
)",
};

void keep_copy(SQLite::Database& database, int version) {
  const auto copy = fmt::format("{}.v{}", database.getFilename(), version);
  std::filesystem::remove(copy); // of an earlier try
  make_private_file(copy);
  SQLite::Statement into(database, "VACUUM INTO ?");
  into.bind(1, copy);
  into.exec();
}

} // namespace

int newest_version() noexcept {
  return static_cast<int>(migrations.size());
}

int version_of(SQLite::Database& database) {
  return database.execAndGet("PRAGMA user_version").getInt();
}

void migrate(SQLite::Database& database, int version) {
  const int found = version_of(database);
  database.exec(
      "PRAGMA foreign_keys = OFF"); // a table that is made again would take the rows of others along
  for (int at = found; at < version; ++at) {
    if (found > 0) // a new one has nothing to keep
      keep_copy(database, at);
    SQLite::Transaction step(database);
    database.exec(migrations.at(static_cast<std::size_t>(at)));
    database.exec(
        fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}", application_id, at + 1));
    step.commit();
  }
}

} // namespace kiln::store

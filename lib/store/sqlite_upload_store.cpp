// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite_upload_store.hpp"

#include "store/database.hpp"

#include <limits>

namespace kiln::store {
namespace {

using packing = blender::blend_header::packing;

// The second condition is that of the index.
#define KILN_JOBS_OF_UPLOAD                                                                                  \
  "FROM job WHERE json_extract(spec, '$.blend') = 'sha256:' || upload.digest "                               \
  "AND json_extract(spec, '$.blend') GLOB 'sha256:*' "

#define KILN_UPLOAD_COLUMNS                                                                                  \
  "number, upload.digest, coalesce(sent.name, upload.name), bytes, packing, version, frame_start, "          \
  "frame_end, scene, coalesce(sent.created_ms, upload.created_ms), "                                         \
  "max(used_ms, coalesce((SELECT max(finished_ms) " KILN_JOBS_OF_UPLOAD "), 0)), "                           \
  "EXISTS (SELECT 1 " KILN_JOBS_OF_UPLOAD "AND finished_ms IS NULL) "

// With ?2, the name of a token, only what that token has sent; NULL: all.
#define KILN_UPLOADS_OF_SENDER                                                                               \
  "FROM upload LEFT JOIN upload_sender AS sent ON sent.digest = upload.digest AND sent.sender = ?2 "         \
  "WHERE (?2 IS NULL OR sent.sender IS NOT NULL) "

upload_record read_upload(SQLite::Statement& row) {
  upload_record read;
  read.number = row.getColumn(0).getInt64();
  read.digest = row.getColumn(1).getString();
  read.name = row.getColumn(2).getString();
  read.bytes = static_cast<std::uintmax_t>(row.getColumn(3).getInt64());
  const auto packed = row.getColumn(4).getString();
  for (std::size_t i = 0; i < blender::packing_names.size(); ++i)
    if (packed == blender::packing_names[i])
      read.header.packed = static_cast<packing>(i);
  if (!row.getColumn(5).isNull())
    read.header.version = row.getColumn(5).getInt();
  if (!row.getColumn(6).isNull())
    read.render = blender::render_info{.frame_start = row.getColumn(6).getInt(),
                                       .frame_end = row.getColumn(7).getInt(),
                                       .scene = row.getColumn(8).getString()};
  read.created = at(row.getColumn(9));
  read.used = at(row.getColumn(10));
  read.is_needed = row.getColumn(11).getInt() != 0;
  return read;
}

std::optional<upload_record> first_upload(SQLite::Statement& rows) {
  return rows.executeStep() ? std::optional{read_upload(rows)} : std::nullopt;
}

void insert_upload(connection& to, const upload_record& upload) {
  auto& row =
      to.statement("INSERT INTO upload (digest, name, bytes, packing, version, frame_start, frame_end, "
                   "scene, created_ms, used_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)");
  row.bind(1, upload.digest);
  row.bind(2, upload.name);
  row.bind(3, static_cast<std::int64_t>(upload.bytes));
  row.bind(4, std::string{blender::to_string(upload.header.packed)});
  row.bind(5);
  if (upload.header.version)
    row.bind(5, *upload.header.version);
  row.bind(6);
  row.bind(7);
  if (upload.render) {
    row.bind(6, upload.render->frame_start);
    row.bind(7, upload.render->frame_end);
  }
  row.bind(8, upload.render ? upload.render->scene : std::string{});
  row.bind(9, upload.created.time_since_epoch().count());
  row.bind(10, upload.used.time_since_epoch().count());
  row.exec();
}

/// Returns whether this sender had not sent it.
bool insert_sender(connection& to, const upload_record& upload, const std::string& sender) {
  auto& row = to.statement("INSERT OR IGNORE INTO upload_sender VALUES (?1, ?2, ?3, ?4)");
  row.bind(1, upload.digest);
  row.bind(2, sender);
  row.bind(3, upload.name);
  row.bind(4, upload.created.time_since_epoch().count());
  return row.exec() != 0;
}

void bind_filter(SQLite::Statement& rows, const sqlite_upload_store::sender_filter& of) {
  rows.bind(2);
  if (of)
    rows.bind(2, *of);
}

/// Returns the number of updated rows: 0 or 1.
int touch_upload(connection& to, const std::string& digest, time_point used) {
  auto& row = to.statement("UPDATE upload SET used_ms = max(used_ms, ?2) WHERE digest = ?1");
  row.bind(1, digest);
  row.bind(2, used.time_since_epoch().count());
  return row.exec();
}

} // namespace

aio::task<result<sqlite_upload_store::addition>> sqlite_upload_store::add(upload_record upload,
                                                                          std::string sender) {
  // Shared, since the work may outlive a caller that is cancelled.
  const auto made = std::make_shared<addition>();
  database::work insert = [upload = std::move(upload), sender = std::move(sender),
                           made](connection& to) -> result<void> {
    made->is_new = touch_upload(to, upload.digest, upload.used) == 0;
    if (made->is_new)
      insert_upload(to, upload);
    made->is_new_to_sender = !sender.empty() && insert_sender(to, upload, sender);
    return {};
  };
  const auto done = co_await database_->write(std::move(insert), durability::durable);
  if (!done)
    co_return done.error();
  co_return *made;
}

aio::task<result<void>> sqlite_upload_store::touch(std::string digest, time_point used) {
  database::work update = [digest = std::move(digest), used](connection& to) -> result<void> {
    touch_upload(to, digest, used);
    return {};
  };
  co_return co_await database_->write(std::move(update), durability::relaxed);
}

aio::task<result<void>> sqlite_upload_store::remove(std::string digest) {
  database::work erase = [digest = std::move(digest)](connection& to) -> result<void> {
    auto& row = to.statement("DELETE FROM upload WHERE digest = ?1");
    row.bind(1, digest);
    if (row.exec() == 0)
      return error{errc::not_found, "there is no upload sha256:" + digest};
    return {};
  };
  co_return co_await database_->write(std::move(erase), durability::durable, database::weight::essential);
}

aio::task<result<std::optional<upload_record>>> sqlite_upload_store::find(std::string digest,
                                                                          sender_filter of) {
  auto look = [digest = std::move(digest),
               of = std::move(of)](connection& from) -> result<std::optional<upload_record>> {
    auto& rows =
        from.statement("SELECT " KILN_UPLOAD_COLUMNS KILN_UPLOADS_OF_SENDER "AND upload.digest = ?1");
    rows.bind(1, digest);
    bind_filter(rows, of);
    return first_upload(rows);
  };
  co_return co_await database_->read(std::move(look));
}

aio::task<result<std::vector<upload_record>>> sqlite_upload_store::list(std::optional<std::int64_t> before,
                                                                        std::size_t limit, sender_filter of) {
  auto look = [before, limit, of = std::move(of)](connection& from) -> result<std::vector<upload_record>> {
    auto& rows = from.statement("SELECT " KILN_UPLOAD_COLUMNS KILN_UPLOADS_OF_SENDER
                                "AND number < ?1 ORDER BY number DESC LIMIT ?3");
    rows.bind(1, before.value_or(std::numeric_limits<std::int64_t>::max()));
    bind_filter(rows, of);
    rows.bind(3, static_cast<std::int64_t>(limit));
    std::vector<upload_record> found;
    while (rows.executeStep())
      found.push_back(read_upload(rows));
    return found;
  };
  co_return co_await database_->read(std::move(look));
}

aio::task<result<std::optional<upload_record>>> sqlite_upload_store::oldest() {
  auto look = [](connection& from) -> result<std::optional<upload_record>> {
    return first_upload(from.statement("SELECT " KILN_UPLOAD_COLUMNS KILN_UPLOADS_OF_SENDER
                                       "ORDER BY used_ms, number LIMIT 1"));
  };
  co_return co_await database_->read(std::move(look));
}

aio::task<result<std::uintmax_t>> sqlite_upload_store::all_bytes() {
  auto look = [](connection& from) -> result<std::uintmax_t> {
    auto& row = from.statement("SELECT coalesce(sum(bytes), 0) FROM upload");
    row.executeStep();
    return static_cast<std::uintmax_t>(row.getColumn(0).getInt64());
  };
  co_return co_await database_->read(std::move(look));
}

aio::task<result<std::vector<std::string>>> sqlite_upload_store::digests() {
  auto look = [](connection& from) -> result<std::vector<std::string>> {
    auto& rows = from.statement("SELECT digest FROM upload");
    std::vector<std::string> found;
    while (rows.executeStep())
      found.push_back(rows.getColumn(0).getString());
    return found;
  };
  co_return co_await database_->read(std::move(look));
}

} // namespace kiln::store

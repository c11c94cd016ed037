// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite_webhook_store.hpp"

#include "store/database.hpp"

#include <utility>

namespace kiln::store {
namespace {

using domain::webhook_event;

std::optional<time_point> time_or_nothing(const SQLite::Column& column) {
  if (column.isNull())
    return std::nullopt;
  return time_point{std::chrono::milliseconds{column.getInt64()}};
}

webhook_event read_event(const std::string& name) {
  const auto event = domain::parse_webhook_event(name);
  if (!event)
    throw unreadable_row("unknown event " + name);
  return *event;
}

webhook_id read_id(const std::string& text) {
  const auto id = webhook_id::parse(text);
  if (!id)
    throw unreadable_row("a webhook without an id");
  return *id;
}

#define KILN_WEBHOOK_COLUMNS                                                                                 \
  "id, url, secret, created_ms, disabled_ms, coalesce(disabled_why, ''), tried_ms, tried_event, "            \
  "tried_status, tried_error, succeeded_ms, given_up, "                                                      \
  "(SELECT count(*) FROM delivery WHERE webhook = webhook.id), "                                             \
  "(SELECT min(due_ms) FROM delivery WHERE webhook = webhook.id) "

webhook_record read_webhook(SQLite::Statement& row) {
  webhook_record read;
  read.id = read_id(row.getColumn(0).getString());
  read.url = row.getColumn(1).getString();
  read.secret = row.getColumn(2).getString();
  read.created = *time_or_nothing(row.getColumn(3));
  read.disabled = time_or_nothing(row.getColumn(4));
  read.disabled_why = row.getColumn(5).getString();
  if (const auto at = time_or_nothing(row.getColumn(6))) {
    read.last.emplace();
    read.last->at = *at;
    read.last->event = read_event(row.getColumn(7).getString());
    if (!row.getColumn(8).isNull())
      read.last->status = row.getColumn(8).getInt();
    if (!row.getColumn(9).isNull())
      read.last->error = row.getColumn(9).getString();
  }
  read.succeeded = time_or_nothing(row.getColumn(10));
  read.given_up = static_cast<std::uint64_t>(row.getColumn(11).getInt64());
  read.pending = static_cast<std::uint64_t>(row.getColumn(12).getInt64());
  read.next_try = time_or_nothing(row.getColumn(13));
  return read;
}

void read_events(connection& from, webhook_record& of) {
  auto& rows = from.statement("SELECT event FROM webhook_event WHERE webhook = ?1 ORDER BY event");
  rows.bind(1, of.id.str());
  while (rows.executeStep())
    of.events.push_back(read_event(rows.getColumn(0).getString()));
}

bool change_row(connection& in, const char* sql, const std::string& key) {
  auto& row = in.statement(sql);
  row.bind(1, key);
  return row.exec() > 0;
}

error unknown(const webhook_id& id) {
  return {errc::not_found, "there is no webhook " + id.str()};
}

void write_report(connection& to, const delivery_outcome& outcome) {
  const auto& report = outcome.report;
  auto& row = to.statement("UPDATE webhook SET tried_ms = ?2, tried_event = ?3, tried_status = ?4, "
                           "tried_error = ?5, given_up = given_up + ?6 WHERE id = ?1");
  row.bind(1, outcome.to.str());
  row.bind(2, ms(report.at));
  row.bind(3, std::string{domain::to_string(report.event)});
  if (report.status)
    row.bind(4, *report.status);
  if (report.error)
    row.bind(5, *report.error);
  row.bind(6, report.error && !outcome.again ? 1 : 0);
  row.exec();
}

} // namespace

aio::task<result<void>> sqlite_webhook_store::add(webhook_record webhook) {
  database::work insert = [w = std::move(webhook)](connection& to) -> result<void> {
    auto& count = to.statement("SELECT count(*) FROM webhook");
    count.executeStep();
    if (count.getColumn(0).getInt64() >= static_cast<std::int64_t>(most_webhooks))
      return error{errc::conflict,
                   "there are " + std::to_string(most_webhooks) + " webhooks already: delete one first"};
    auto& row = to.statement("INSERT INTO webhook (id, url, secret, created_ms) VALUES (?1, ?2, ?3, ?4)");
    row.bind(1, w.id.str());
    row.bind(2, w.url);
    row.bind(3, w.secret);
    row.bind(4, ms(w.created));
    row.exec();
    for (const auto event : w.events) {
      auto& wanted = to.statement("INSERT OR IGNORE INTO webhook_event (event, webhook) VALUES (?1, ?2)");
      wanted.bind(1, std::string{domain::to_string(event)});
      wanted.bind(2, w.id.str());
      wanted.exec();
    }
    return {};
  };
  co_return co_await database_->write(std::move(insert), durability::durable);
}

aio::task<result<void>> sqlite_webhook_store::remove(webhook_id id) {
  database::work erase = [id](connection& to) -> result<void> {
    if (!change_row(to, "DELETE FROM webhook WHERE id = ?1", id.str()))
      return unknown(id);
    return {};
  };
  co_return co_await database_->write(std::move(erase), durability::durable);
}

aio::task<result<std::optional<webhook_record>>> sqlite_webhook_store::find(webhook_id id) {
  auto look = [id](connection& from) -> result<std::optional<webhook_record>> {
    auto& row = from.statement("SELECT " KILN_WEBHOOK_COLUMNS "FROM webhook WHERE id = ?1");
    row.bind(1, id.str());
    if (!row.executeStep())
      return std::optional<webhook_record>{};
    auto found = read_webhook(row);
    read_events(from, found);
    return std::optional{std::move(found)};
  };
  co_return co_await database_->read(std::move(look));
}

aio::task<result<std::vector<webhook_record>>> sqlite_webhook_store::list() {
  auto look = [](connection& from) -> result<std::vector<webhook_record>> {
    std::vector<webhook_record> found;
    auto& rows = from.statement("SELECT " KILN_WEBHOOK_COLUMNS "FROM webhook ORDER BY id");
    while (rows.executeStep())
      found.push_back(read_webhook(rows));
    for (auto& one : found)
      read_events(from, one);
    return found;
  };
  co_return co_await database_->read(std::move(look));
}

aio::task<result<void>> sqlite_webhook_store::queue_ping(webhook_id to, std::string id, std::string payload,
                                                         time_point now) {
  database::work insert = [to, id = std::move(id), payload = std::move(payload),
                           now](connection& in) -> result<void> {
    auto& known = in.statement("SELECT EXISTS (SELECT 1 FROM delivery WHERE webhook = ?1 AND event = 'ping') "
                               "FROM webhook WHERE id = ?1");
    known.bind(1, to.str());
    if (!known.executeStep())
      return unknown(to);
    if (known.getColumn(0).getInt() != 0)
      return {};
    auto& row = in.statement("INSERT INTO delivery (id, webhook, event, payload, tries, due_ms) "
                             "VALUES (?1, ?2, 'ping', ?3, 0, ?4)");
    row.bind(1, id);
    row.bind(2, to.str());
    row.bind(3, payload);
    row.bind(4, ms(now));
    row.exec();
    return {};
  };
  co_return co_await database_->write(std::move(insert), durability::durable);
}

aio::task<result<std::vector<delivery>>> sqlite_webhook_store::next() {
  auto look = [](connection& from) -> result<std::vector<delivery>> {
    std::vector<delivery> found;
    auto& rows = from.statement(
        "SELECT delivery.id, webhook.id, url, secret, event, payload, tries, due_ms FROM webhook "
        "JOIN delivery ON delivery.id = (SELECT id FROM delivery AS first WHERE first.webhook = webhook.id "
        "ORDER BY first.due_ms, first.id LIMIT 1) ORDER BY coalesce(tried_ms, 0), webhook.id");
    while (rows.executeStep()) {
      auto& d = found.emplace_back();
      d.id = rows.getColumn(0).getString();
      d.to = read_id(rows.getColumn(1).getString());
      d.url = rows.getColumn(2).getString();
      d.secret = rows.getColumn(3).getString();
      d.event = read_event(rows.getColumn(4).getString());
      d.payload = rows.getColumn(5).getString();
      d.tries = rows.getColumn(6).getInt();
      d.due = *time_or_nothing(rows.getColumn(7));
    }
    return found;
  };
  co_return co_await database_->read(std::move(look));
}

aio::task<result<void>> sqlite_webhook_store::settle(delivery_outcome outcome) {
  database::work update = [o = std::move(outcome)](connection& to) -> result<void> {
    write_report(to, o);
    if (o.again) {
      auto& row = to.statement("UPDATE delivery SET tries = tries + 1, due_ms = ?2 WHERE id = ?1");
      row.bind(1, o.id);
      row.bind(2, ms(*o.again));
      row.exec();
    } else {
      change_row(to, "DELETE FROM delivery WHERE id = ?1", o.id);
    }
    if (!o.report.error)
      change_row(to,
                 "UPDATE webhook SET succeeded_ms = tried_ms, disabled_ms = NULL, disabled_why = NULL "
                 "WHERE id = ?1",
                 o.to.str());
    if (o.disable) {
      change_row(to, "UPDATE webhook SET disabled_ms = tried_ms, disabled_why = tried_error WHERE id = ?1",
                 o.to.str());
      change_row(to, "DELETE FROM delivery WHERE webhook = ?1", o.to.str());
    }
    return {};
  };
  co_return co_await database_->write(std::move(update), durability::relaxed);
}

} // namespace kiln::store

// SPDX-License-Identifier: Apache-2.0
#include "store/outbox.hpp"

#include <optional>
#include <string>

namespace kiln::store {

using domain::webhook_event;

std::vector<webhook_event> events_of_change(connection& in, const job_record& changed) {
  std::vector<webhook_event> events;
  const auto end = domain::event_of_end(changed.state);
  if (!end && !changed.started)
    return events;
  auto& before = in.statement("SELECT started_ms IS NULL, finished_ms IS NULL FROM job "
                              "WHERE id = ?1 AND EXISTS (SELECT 1 FROM webhook)");
  before.bind(1, changed.id.str());
  if (!before.executeStep())
    return events;
  if (changed.started && before.getColumn(0).getInt() != 0)
    events.push_back(webhook_event::job_started);
  if (end && before.getColumn(1).getInt() != 0)
    events.push_back(*end);
  return events;
}

bool queue_event(connection& to, webhook_event event, const job_record& job, const event_format& format) {
  const std::string name{domain::to_string(event)};
  std::vector<std::string> listeners;
  auto& rows = to.statement("SELECT webhook.id FROM webhook_event JOIN webhook ON webhook.id = webhook "
                            "WHERE event = ?1 AND disabled_ms IS NULL");
  rows.bind(1, name);
  while (rows.executeStep())
    listeners.push_back(rows.getColumn(0).getString());
  if (listeners.empty())
    return false;
  const auto when = event == webhook_event::job_started ? job.started : job.finished;
  const auto payload = format(job, event, *when);
  for (const auto& listener : listeners) {
    auto& row = to.statement("INSERT INTO delivery (id, webhook, event, payload, tries, due_ms) "
                             "VALUES (?1, ?2, ?3, ?4, 0, ?5)");
    // Revisions are never reused, not even after a loss of power, so an id identifies one event.
    row.bind(1, listener + '-' + job.id.str() + '-' + std::to_string(job.revision) + '-' +
                    name.substr(name.find('.') + 1));
    row.bind(2, listener);
    row.bind(3, name);
    row.bind(4, payload);
    row.bind(5, when->time_since_epoch().count());
    row.exec();
  }
  return true;
}

} // namespace kiln::store

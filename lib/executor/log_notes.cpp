// SPDX-License-Identifier: Apache-2.0
#include "executor/log_notes.hpp"

#include "executor/frame_intake.hpp"

#include <utility>
#include <variant>
#include <vector>

namespace kiln::executor {

log_notes::log_notes(domain::attempt_facts& facts, event_handler on_event)
    : facts_(facts), on_event_(std::move(on_event)) {}

void log_notes::feed(std::string_view text) {
  splitter_.feed(text, [this](std::string_view line) { read(line); });
}

void log_notes::finish() {
  splitter_.finish([this](std::string_view line) { read(line); });
}

void log_notes::read(std::string_view line) {
  const auto event = reader_.feed(line);
  if (!event)
    return;
  if (const auto* complaint = std::get_if<blender::complaint>(&*event))
    complain(facts_, complaint->why);
  else if (const auto* progress = std::get_if<blender::frame_progress>(&*event))
    facts_.last_named = progress->frame;
  else if (const auto* addon = std::get_if<blender::addon_failure>(&*event))
    facts_.addon_trouble = facts_.addon_trouble.empty() ? addon->what : facts_.addon_trouble;
  else if (const auto* report = std::get_if<blender::scene_report>(&*event)) {
    facts_.reported = true;
    if (report->failure) {
      // The report covers the whole scene; Blender's own complaint names only the first problem it meets.
      std::erase_if(facts_.complaints,
                    [&](const domain::failure& f) { return f.kind == report->failure->kind; });
      complain(facts_, *report->failure);
    }
  }
  on_event_(*event);
}

} // namespace kiln::executor

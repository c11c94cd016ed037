// SPDX-License-Identifier: Apache-2.0
// However the log is cut into pieces, the same is read from it; and what is read can be shown to people.
#include "blender/line_splitter.hpp"
#include "blender/log_reader.hpp"
#include "check.hpp"
#include "domain/frame_set.hpp"

#include <algorithm>
#include <string>
#include <variant>
#include <vector>

namespace {

using namespace kiln;

bool is_printable_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7f; });
}

void check(const domain::warning& warning) {
  KILN_HOLDS(!warning.kind.empty() && warning.kind.size() <= 40);
  KILN_HOLDS(!warning.message.empty() && warning.message.size() <= 1000);
}

/// What must hold for each kind of event; and the event as text.
struct described {
  std::string operator()(const blender::frame_progress& progress) const {
    KILN_HOLDS(progress.fraction.value_or(0) >= 0 && progress.fraction.value_or(0) <= 1);
    KILN_HOLDS(progress.frame >= domain::min_frame && progress.frame <= domain::max_frame);
    return std::to_string(progress.frame) + " " + std::to_string(progress.fraction.value_or(0));
  }
  std::string operator()(const blender::complaint& complaint) const {
    const auto& message = complaint.why.message;
    KILN_HOLDS(!message.empty() && message.size() < 500 && is_printable_ascii(message));
    return message;
  }
  std::string operator()(const blender::scene_report& report) const {
    KILN_HOLDS(report.json.starts_with('{') && report.json.ends_with('}'));
    KILN_HOLDS(report.passes >= 1 && report.passes <= 1000);
    KILN_HOLDS(!report.failure || !report.failure->message.empty());
    KILN_HOLDS(report.warnings.size() <= domain::most_warnings);
    std::ranges::for_each(report.warnings, check);
    return report.json;
  }
  std::string operator()(const blender::addon_failure& failure) const {
    KILN_HOLDS(!failure.what.empty() && failure.what.size() < 500 && is_printable_ascii(failure.what));
    return failure.what;
  }
  std::string operator()(const domain::warning& warning) const {
    check(warning);
    KILN_HOLDS(is_printable_ascii(warning.message));
    return warning.message;
  }
};

std::vector<std::string> events_of(std::string_view bytes, std::size_t piece) {
  std::vector<std::string> events;
  blender::line_splitter splitter;
  blender::log_reader reader;
  const blender::line_splitter::line_handler on_line = [&](std::string_view line) {
    KILN_HOLDS(!line.empty() && line.size() <= blender::line_splitter::max_line);
    if (const auto event = reader.feed(line))
      events.push_back(std::visit(described{}, *event));
  };
  for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size())))
    splitter.feed(bytes.substr(0, piece), on_line);
  splitter.finish(on_line);
  return events;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0)
    return 0;
  const auto bytes = as_text(data + 1, size - 1);
  KILN_HOLDS(events_of(bytes, bytes.size() + 1) == events_of(bytes, data[0] + 1U));
  return 0;
}

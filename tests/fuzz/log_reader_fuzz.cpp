// SPDX-License-Identifier: Apache-2.0
// However the log is cut into pieces, the same is read from it; and what is read can be shown to people.
#include "blender/line_splitter.hpp"
#include "blender/log_reader.hpp"
#include "check.hpp"
#include "domain/frame_set.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace {

using namespace kiln;

std::vector<std::string> events_of(std::string_view bytes, std::size_t piece) {
  std::vector<std::string> events;
  blender::line_splitter splitter;
  blender::log_reader reader;
  const blender::line_splitter::line_handler on_line = [&](std::string_view line) {
    KILN_HOLDS(!line.empty() && line.size() <= blender::line_splitter::max_line);
    const auto event = reader.feed(line);
    if (!event)
      return;
    if (const auto* progress = std::get_if<blender::frame_progress>(&*event)) {
      KILN_HOLDS(progress->fraction >= 0 && progress->fraction <= 1);
      KILN_HOLDS(progress->frame >= domain::min_frame && progress->frame <= domain::max_frame);
      events.push_back(std::to_string(progress->frame) + " " + std::to_string(progress->fraction));
    } else {
      const auto& message = std::get<blender::complaint>(*event).why.message;
      KILN_HOLDS(!message.empty() && message.size() < 500);
      KILN_HOLDS(std::all_of(message.begin(), message.end(), [](char c) { return c >= 0x20 && c < 0x7f; }));
      events.push_back(message);
    }
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

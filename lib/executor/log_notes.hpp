// SPDX-License-Identifier: Apache-2.0
//
// Reads Blender's log as it arrives, in pieces, and notes reasons for a failure and the current frame in the
// facts of the attempt. Pure.
#pragma once

#include "blender/line_splitter.hpp"
#include "blender/log_reader.hpp"
#include "domain/attempt.hpp"

#include <functional>
#include <string_view>

namespace kiln::executor {

class log_notes {
public:
  using event_handler = std::function<void(const blender::log_event& event)>;

  /// `facts` must outlive it. `on_event` is called after they have changed.
  log_notes(domain::attempt_facts& facts, event_handler on_event);

  void feed(std::string_view text);
  /// The log has ended.
  void finish();

private:
  void read(std::string_view line);

  domain::attempt_facts& facts_;
  event_handler on_event_;
  blender::line_splitter splitter_;
  blender::log_reader reader_;
};

} // namespace kiln::executor

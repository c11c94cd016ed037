// SPDX-License-Identifier: Apache-2.0
// Whatever Blender prints, and whatever the clock does: Retry-After stays within 1 to 300 s, the time left is
// a number, and progress stays between 0 and 1 and never falls while the Blender runs.
#include "blender/line_splitter.hpp"
#include "blender/log_reader.hpp"
#include "blender/session_protocol.hpp"
#include "check.hpp"
#include "policy/retry_after.hpp"
#include "policy/timeline.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <string_view>

namespace {

using namespace kiln;

constexpr int run = 1, frames = 20;

/// A job of frames 1 to 20 that one Blender renders.
struct chain {
  policy::timeline::time_point now{std::chrono::hours{1}};
  policy::timeline timeline;
  blender::line_splitter splitter;
  blender::log_reader reader;
  int done = 0;
  double shown = 0;

  chain() {
    timeline.begin(now);
    timeline.on_begin(run, policy::timeline::afterwards::exits, now);
  }

  void print(std::string_view text) {
    const blender::line_splitter::line_handler on_line = [this](std::string_view line) {
      const auto event = reader.feed(line);
      if (const auto* progress = event ? std::get_if<blender::frame_progress>(&*event) : nullptr)
        take(*progress);
    };
    splitter.feed(text, on_line);
  }

  void say(std::string_view message) {
    const auto event = blender::parse_session_event(message);
    if (const auto* begun = event ? std::get_if<blender::session_said::frame_begun>(&*event) : nullptr)
      take({.frame = begun->frame});
  }

  void take(const blender::frame_progress& said) {
    const bool counts = said.frame > done && said.frame <= frames;
    (void)timeline.on_progress(run, said, counts, now);
  }

  void publish(std::chrono::milliseconds ago) {
    if (done < frames)
      timeline.on_published(run, ++done, now - ago, {});
  }

  void check() {
    const auto standing = timeline.at(now, frames - done);
    const auto left = policy::estimate_time_left(timeline.timing(), standing);
    if (left) {
      KILN_HOLDS(std::isfinite(left->likely) && left->likely >= 0 && left->likely <= 1e9);
      KILN_HOLDS(std::isfinite(left->low()) && left->low() <= left->high() && std::isfinite(left->high()));
    }
    for (const double chance : {0.0, 0.5, 0.999}) {
      const int wait = policy::retry_after(timeline.timing(), standing, chance);
      KILN_HOLDS(wait >= 1 && wait <= policy::longest_retry_after);
    }
    const double progress = std::min(1.0, (done + timeline.frames_in_work()) / frames);
    KILN_HOLDS(progress >= shown);
    shown = progress;
  }
};

} // namespace

// A byte says what happens, the next one how much of it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  chain of;
  while (size >= 2) {
    const auto what = data[0] % 8;
    const std::size_t much = data[1];
    data += 2;
    size -= 2;
    if (what <= 3) { // a piece of the log, not always whole lines
      const auto length = std::min(much, size);
      of.print(as_text(data, length));
      if (what == 3)
        of.print("\n");
      data += length;
      size -= length;
    } else if (what == 4) {
      const auto length = std::min(much, size);
      of.say(as_text(data, length));
      data += length;
      size -= length;
    } else if (what == 5) {
      of.publish(std::chrono::milliseconds{20 * much});
    } else if (what == 6) {
      of.now += std::chrono::milliseconds{much * much * 5};
    } else {
      of.now -= std::chrono::milliseconds{much * 100}; // a clock that jumps
    }
    of.check();
  }
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
// Any bytes from the Blender of a session are an event whose numbers are in range, or corrupt.
#include "blender/session_protocol.hpp"
#include "check.hpp"

#include <cmath>

namespace {

using namespace kiln;
namespace said = blender::session_said;

bool is_frame(int number) {
  return number >= domain::min_frame && number <= domain::max_frame;
}

struct in_range {
  bool operator()(const said::ready&) const { return true; }
  bool operator()(const said::begun&) const { return true; }
  bool operator()(const said::loaded& event) const {
    return std::isfinite(event.seconds) && event.seconds >= 0;
  }
  bool operator()(const said::frame_begun& event) const { return is_frame(event.frame); }
  bool operator()(const said::frame_saved& event) const { return is_frame(event.frame); }
  bool operator()(const said::ended& event) const {
    return event.status >= said::ended::how::failed ? event.status <= said::ended::how::canceled
                                                    : event.status == said::ended::how::through;
  }
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto event = blender::parse_session_event(as_text(data, size));
  if (event)
    KILN_HOLDS(std::visit(in_range{}, *event));
  else
    KILN_HOLDS(event.error().code == errc::corrupt && event.error().message.size() < 1000);
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
// The answer of a webhook's receiver, whatever its bytes and however they arrive, has one bounded outcome.
#include "check.hpp"
#include "webhook/answer.hpp"
#include "webhook/schedule.hpp"

#include <algorithm>
#include <optional>

namespace {

using namespace kiln::webhook;

/// Nullopt: the receiver would have to send more.
std::optional<sent> read_in_pieces(std::string_view bytes, std::size_t piece) {
  answer_reader in;
  std::optional<sent> out;
  while (!out && !bytes.empty()) {
    const auto room = in.room();
    KILN_HOLDS(!room.empty());
    const auto size = std::min({piece, room.size(), bytes.size()});
    std::ranges::copy(bytes.substr(0, size), room.begin());
    bytes.remove_prefix(size);
    out = in.take(size);
  }
  return out;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0)
    return 0;
  const auto bytes = as_text(data + 1, size - 1);
  const auto whole = read_in_pieces(bytes, bytes.size());
  const auto pieces = read_in_pieces(bytes, 1 + data[0] % 64);
  // Beast notices some faults of an unfinished header only once more of it has arrived.
  const auto status = [](const std::optional<sent>& of) { return of ? of->status : std::nullopt; };
  KILN_HOLDS(status(whole) == status(pieces));
  if (!whole || !pieces)
    return 0;
  KILN_HOLDS(whole->retry_after == pieces->retry_after);
  KILN_HOLDS(whole->error.size() < 1000);
  if (!whole->status) {
    KILN_HOLDS(!whole->error.empty() && !whole->retry_after);
    return 0;
  }
  KILN_HOLDS(*whole->status >= 100 && *whole->status <= 999 && *whole->status / 100 != 1);
  KILN_HOLDS(whole->error.empty() == (*whole->status / 100 == 2));
  KILN_HOLDS(!whole->retry_after || whole->retry_after->count() >= 0);
  const auto next = next_wait(usual_waits, 1, 0.5, whole->retry_after);
  KILN_HOLDS(next && *next >= usual_waits.front() && *next <= longest_asked);
  return 0;
}

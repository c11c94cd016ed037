// SPDX-License-Identifier: Apache-2.0
//
// The answer of a webhook's receiver, read as its bytes arrive: only its status and Retry-After matter. A
// receiver can send anything.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace kiln::webhook {

struct sent {
  std::optional<int> status = {};                       ///< HTTP status, if there was an answer
  std::string error = {};                               ///< for people; empty if the status is 2xx
  std::optional<std::chrono::seconds> retry_after = {}; ///< requested by the receiver
};

class answer_reader {
public:
  answer_reader();
  ~answer_reader();
  answer_reader(const answer_reader&) = delete;
  answer_reader& operator=(const answer_reader&) = delete;

  /// Where the next bytes go. Never empty while take() returns nullopt.
  [[nodiscard]] std::span<char> room();

  /// That many bytes have arrived in room(). Returns the outcome, or nullopt if more bytes are needed.
  [[nodiscard]] std::optional<sent> take(std::size_t size);

  /// Bytes that arrived after the header.
  [[nodiscard]] std::size_t unread() const noexcept { return filled_; }

private:
  struct parser;
  std::unique_ptr<parser> parser_;
  std::string in_;
  std::size_t filled_ = 0;
};

} // namespace kiln::webhook

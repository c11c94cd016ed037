// SPDX-License-Identifier: Apache-2.0
//
// The check by decoding every pixel, in a process of its own (kiln-image): a hostile image may crash it and
// costs no more than itself. Checks that come together are made at the same time, each in a process of its
// own, so that an image that takes long stands in nobody's way; those beyond a limit wait, in their order.
#pragma once

#include "aio/task_group.hpp"
#include "aio/unique_descriptor.hpp"
#include "image/image_check.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>

namespace kiln::image {

/// A decoder that was started.
class decoder_process {
public:
  virtual ~decoder_process() = default;
  /// Makes it end at once.
  virtual void kill() = 0;
  /// Completes when it has ended; how, for people: "died of SIGSEGV". Awaited once, right after the start.
  [[nodiscard]] virtual aio::task<std::string> wait() = 0;
};

class decoding_image_check final : public image_check {
public:
  /// Starts kiln-image with the socket as its standard input; the socket stays the caller's.
  using starter = std::function<result<std::unique_ptr<decoder_process>>(int socket)>;

  /// `limit`: how long one image may take. `most`: decoders at once.
  decoding_image_check(aio::executor_type loop, starter start, std::chrono::milliseconds limit,
                       std::size_t most = 8);
  /// Once close() has completed, or nothing was ever checked.
  ~decoding_image_check() override;

  /// See image_check. corrupt also when the decoder dies of the image or takes too long; unavailable when it
  /// cannot be started, or is closed. The decoder is started when it is needed. Can be cancelled.
  [[nodiscard]] aio::task<result<image_facts>> check(int file) override;

  /// Ends all decoders; completes when they are gone. Checks under way, and those to come, are unavailable.
  [[nodiscard]] aio::task<> close();
  /// Does the same after that time, unless close() was called before.
  void close_after(std::chrono::milliseconds time);

private:
  struct session;
  using session_ptr = std::shared_ptr<session>;
  class turn;

  aio::task<result<void>> make_ready(turn& mine);
  aio::task<result<image_facts>> decode(turn& mine, int fd);
  aio::task<> watch(session_ptr s);
  void retire(session_ptr s);
  void retire_all();

  aio::executor_type loop_;
  starter start_;
  std::chrono::milliseconds limit_;
  std::size_t most_;
  std::deque<std::uint64_t> waiting_; ///< the first `most_` have their turn
  std::uint64_t last_turn_ = 0;
  aio::notification turn_over_;
  std::list<session_ptr> all_;  ///< sessions that have not been retired
  std::list<session_ptr> idle_; ///< those of them whose decoder has greeted and has nothing to do
  aio::timer closing_;
  aio::task_group watches_;
  bool closed_ = false;
};

} // namespace kiln::image

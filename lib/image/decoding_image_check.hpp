// SPDX-License-Identifier: Apache-2.0
//
// The check by decoding every pixel, in a separate process (kiln-image), which a hostile image may crash
// without further harm. Concurrent checks run in separate processes, so that a slow image does not delay
// others; checks beyond a limit wait in order.
#pragma once

#include "aio/task_group.hpp"
#include "aio/unique_descriptor.hpp"
#include "image/image_check.hpp"
#include "image/picture_wish.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

namespace kiln::image {

/// A started decoder.
class decoder_process {
public:
  virtual ~decoder_process() = default;
  /// Kills it at once.
  virtual void kill() = 0;
  /// Completes when it has ended, with the reason for people: "died of SIGSEGV". Awaited once, right after
  /// the start.
  [[nodiscard]] virtual aio::task<std::string> wait() = 0;
};

class decoding_image_check final : public image_check {
public:
  /// Starts kiln-image with the socket as its standard input; the caller keeps the socket.
  using starter = std::function<result<std::unique_ptr<decoder_process>>(int socket)>;

  /// `limit`: time limit per image. `most`: decoders at once.
  decoding_image_check(aio::executor_type loop, starter start, std::chrono::milliseconds limit,
                       std::size_t most = 8);
  /// Requires that close() has completed, or that nothing was ever checked.
  ~decoding_image_check() override;

  /// See image_check. corrupt also if the decoder dies of the image or takes too long; unavailable if it
  /// cannot be started, or after close(). The decoder is started on demand. Can be cancelled.
  [[nodiscard]] aio::task<result<image_facts>> check(int file) override;

  /// The same, with the picture that is asked for. corrupt also if it cannot be made. `rows_to`: takes the
  /// rows of a frame of a video, for which the decoder waits. `cube`: the file of the cube, if the wish has
  /// one. The size in the facts is that of the image as it is shown.
  [[nodiscard]] aio::task<result<image_facts>> draw(int file, picture_wish wish, int rows_to = -1,
                                                    int cube = -1);

  /// Ends all decoders; completes when they are gone. Current and later checks return unavailable.
  [[nodiscard]] aio::task<> close();
  /// Does the same after `time`, unless close() was called before.
  void close_after(std::chrono::milliseconds time);

private:
  struct session;
  using session_ptr = std::shared_ptr<session>;
  class turn;

  aio::task<result<void>> make_ready(turn& mine);
  aio::task<result<image_facts>> ask(std::vector<int> files, std::string request);
  aio::task<result<image_facts>> decode(turn& mine, std::vector<int> files, std::string request);
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
  std::list<session_ptr> idle_; ///< sessions whose decoder is ready and idle
  aio::timer closing_;
  aio::task_group watches_;
  bool closed_ = false;
};

} // namespace kiln::image

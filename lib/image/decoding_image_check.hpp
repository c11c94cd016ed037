// SPDX-License-Identifier: Apache-2.0
//
// The check by decoding every pixel, in a process of its own (kiln-image): a hostile image may crash it and
// costs no more than itself. Images are checked one at a time, in the order in which they were asked about.
#pragma once

#include "aio/blocking_pool.hpp"
#include "aio/task_group.hpp"
#include "aio/unique_descriptor.hpp"
#include "image/image_check.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
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

  /// The pool, on which files are opened, outlives it. `limit`: how long one image may take.
  decoding_image_check(aio::executor_type loop, aio::blocking_pool& pool, starter start,
                       std::chrono::milliseconds limit);
  /// Once close() has completed, or nothing was ever checked.
  ~decoding_image_check() override;

  /// See image_check. corrupt also when the decoder dies of the image or takes too long; unavailable when it
  /// cannot be started, or is closed. The decoder is started when it is needed. Can be cancelled.
  [[nodiscard]] aio::task<result<image_facts>> check(std::filesystem::path file) override;

  /// Ends the decoder; completes when it is gone. Checks under way, and those to come, are unavailable.
  [[nodiscard]] aio::task<> close();

private:
  struct session;
  class turn;

  aio::task<result<void>> make_ready();
  aio::task<result<image_facts>> decode(int fd);
  aio::task<> watch(std::shared_ptr<session> s);
  void drop_session();

  aio::executor_type loop_;
  aio::blocking_pool& pool_;
  starter start_;
  std::chrono::milliseconds limit_;
  std::deque<std::uint64_t> waiting_; ///< the first has its turn
  std::uint64_t last_turn_ = 0;
  aio::notification turn_over_;
  std::shared_ptr<session> session_; ///< with a decoder that has greeted, as far as we know
  aio::task_group watches_;
  bool closed_ = false;
};

} // namespace kiln::image

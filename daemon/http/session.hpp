// SPDX-License-Identifier: Apache-2.0
//
// One connection: reads requests, passes them on in order, writes the answers, and closes. Requests that
// arrive together are answered in one write. It has no timer of its own: the server's tick calls on_tick().
#pragma once

#include "aio/task.hpp"
#include "http/connection.hpp"
#include "http/framing.hpp"
#include "http/request_parser.hpp"
#include "http/service.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace kiln::http {

class session final : client {
public:
  /// `from`: the other side. `shared` must outlive it. `mine`: null for a session that only refuse()s.
  /// `on_timed` is called whenever it gets a new deadline, possibly at any time.
  session(tcp_socket socket, const ip_address& from, service& shared, std::unique_ptr<places::place> mine,
          std::function<void()> on_timed);

  /// Completes when the connection is closed.
  [[nodiscard]] aio::task<> run();

  /// Answers any request with 503 and Retry-After, and closes.
  [[nodiscard]] aio::task<> refuse();

  /// Whether it has a deadline: not while a handler works.
  [[nodiscard]] bool is_timed() const noexcept { return phase_ != phase::handling; }

  /// Ends an operation whose deadline has passed.
  void on_tick(aio::clock::time_point now);

  /// Closes after the request in progress, or at once if there is none. A handler whose client waits is
  /// notified.
  void finish();

  /// Calls finish() if the client being answered would no longer be authorized.
  void finish_if_not_admitted();

  /// Closes at once.
  void abort();

private:
  enum class phase { idle, head, body, handling, writing, lingering };
  enum class next { go_on, close, linger };
  class incoming_body;

  // client
  [[nodiscard]] bool begin_waiting(std::function<void()> on_gone) override;
  void end_waiting();

  [[nodiscard]] aio::task<bool> read_more();
  void shrink_buffers();
  [[nodiscard]] aio::task<next> serve(std::size_t head_size);
  void find_client();
  [[nodiscard]] aio::task<next> respond(request& asked, request_parser& parser);
  [[nodiscard]] aio::task<answer> wait_for(reply& later);
  [[nodiscard]] aio::task<bool> flush();
  [[nodiscard]] aio::task<bool> send(const answer& what, const service::framing& how);
  [[nodiscard]] aio::task<bool> send_file(const file_body& what);
  [[nodiscard]] aio::task<bool> send_stream(body_stream& parts, std::string_view prefix, bool in_chunks);
  [[nodiscard]] aio::task<> linger();
  void enter(phase p, std::chrono::milliseconds time);
  void keep_moving(phase p, aio::clock::time_point began, std::chrono::milliseconds time,
                   std::uint64_t bytes);
  [[nodiscard]] next reject(int status, std::string_view why, std::string_view path);

  connection connection_;
  ip_address from_;
  service& service_;
  bool is_proxy_;     ///< the other side, so each request has a client of its own
  ip_address client_; ///< of the request that is served
  std::string peer_;  ///< the same for people
  public_url url_;    ///< where that client has found kilnd
  std::unique_ptr<places::place> place_;

  std::vector<char> in_;     ///< bytes that have arrived and are not consumed
  std::size_t in_begin_ = 0; ///< first unconsumed byte of in_
  std::size_t in_end_ = 0;
  std::string out_; ///< answers not written yet

  head_scanner scanner_;
  std::string head_; ///< head of the request being served
  std::vector<field> fields_;
  std::string body_;

  std::function<void()> on_timed_;
  phase phase_ = phase::idle;
  aio::clock::time_point deadline_;
  const request* asked_ = nullptr; ///< the request being answered
  std::function<void()> on_gone_;  ///< callback of the waiting request
  bool is_head_ = false;           ///< the request being served or refused is a HEAD: its answer has no body
  bool timed_out_ = false;
  bool has_waited_ = false; ///< the request being served has waited for a change
  bool finishing_ = false;
};

} // namespace kiln::http

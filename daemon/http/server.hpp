// SPDX-License-Identifier: Apache-2.0
//
// Accepts connections, limits their number, and enforces the deadlines of sessions. Without connections it
// never wakes up.
#pragma once

#include "aio/task_group.hpp"
#include "base/error.hpp"
#include "http/listener.hpp"
#include "http/session.hpp"

#include <cstdint>
#include <list>

namespace kiln::http {

class server {
public:
  /// `shared` must outlive it.
  server(aio::executor_type loop, service& shared);

  /// Binds and listens; run() accepts. `address`: a literal one; port 0: any free one. The error names the
  /// address and, if known, the process that uses it.
  [[nodiscard]] result<void> listen(const std::string& address, unsigned short port);

  /// Instead of listen(): takes ownership of a TCP or Unix socket that listens already.
  [[nodiscard]] result<void> take(int listening);

  /// "127.0.0.1:3000", "[::1]:3000".
  [[nodiscard]] std::string local_address() const;
  /// 0 for a Unix socket.
  [[nodiscard]] std::uint16_t port() const;

  /// Counts of open connections.
  [[nodiscard]] const places::counts& connections() const noexcept { return places_.all(); }

  /// Now while there are connections, else when the last one ended, or the start.
  [[nodiscard]] aio::clock::time_point last_used() const {
    return sessions_.empty() ? last_left_ : aio::clock::now();
  }

  /// Accepts until stop_accepting().
  [[nodiscard]] aio::task<> run();

  void stop_accepting();

  /// Ends the answers, such as streams of events, to clients that would no longer be authorized.
  void end_sessions_not_admitted();

  /// Closes connections, those with a request under way after its answer (at most `grace`), and completes
  /// when none is left.
  [[nodiscard]] aio::task<> finish(std::chrono::milliseconds grace);

private:
  using sessions = std::list<session>;

  [[nodiscard]] aio::task<> serve(sessions::iterator mine);
  [[nodiscard]] aio::task<> refuse(sessions::iterator mine);
  [[nodiscard]] aio::task<> guard(aio::task<> work);
  [[nodiscard]] aio::task<> tick();
  void wake_tick();
  void admit(tcp_socket socket);
  void drop(sessions::iterator gone);

  service& service_;
  tcp_acceptor acceptor_;
  aio::timer pause_; ///< after an accept that failed
  aio::timer tick_timer_;
  bool ticking_ = false;
  bool tick_sleeps_ = false; ///< until a session has a deadline again
  std::optional<aio::clock::time_point> abort_at_;
  bool is_unix_ = false;
  aio::clock::time_point last_left_ = aio::clock::now(); ///< when a connection ended
  places places_;
  sessions sessions_; ///< those that were refused too, while they take their answer
  std::size_t refused_ = 0;
  aio::task_group work_;
};

} // namespace kiln::http

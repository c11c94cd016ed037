// SPDX-License-Identifier: Apache-2.0
//
// Listens, and keeps the sessions: how many there may be, and since when each has been at what. While nobody
// is connected nothing of it wakes up.
#pragma once

#include "aio/task_group.hpp"
#include "base/error.hpp"
#include "http/listener.hpp"
#include "http/session.hpp"

#include <list>

namespace kiln::http {

class server {
public:
  /// `shared` outlives it.
  server(aio::executor_type loop, service& shared);

  /// Binds and listens; run() accepts. `address`: a literal one; port 0: any free one. The error names the
  /// address, and who holds it where that can be known.
  [[nodiscard]] result<void> listen(const std::string& address, unsigned short port);

  /// Instead of listen(): a TCP socket that listens already, which is the server's from now on.
  [[nodiscard]] result<void> take(int listening);

  /// "127.0.0.1:3000", "[::1]:3000".
  [[nodiscard]] std::string local_address() const;

  /// Connections that are there now.
  [[nodiscard]] const places::counts& connections() const noexcept { return places_.all(); }

  /// Accepts until stop_accepting().
  [[nodiscard]] aio::task<> run();

  void stop_accepting();

  /// Ends the answers, such as streams of events, of those who would not be let in any more.
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
  places places_;
  sessions sessions_; ///< those that were refused too, while they take their answer
  std::size_t refused_ = 0;
  aio::task_group work_;
};

} // namespace kiln::http

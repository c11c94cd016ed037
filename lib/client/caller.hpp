// SPDX-License-Identifier: Apache-2.0
//
// Requests to kilnd that wait for it: a server that is away, or says "later", is asked again, a bounded time.
#pragma once

#include "client/connection.hpp"
#include "client/patience.hpp"

#include <boost/json/value.hpp>

#include <chrono>
#include <functional>
#include <string>

namespace kiln::client {

/// Receives one line for the user, without its end.
using notice = std::function<void(const std::string&)>;

class caller {
public:
  /// `most`: how long a server that has answered before, or says "later", is waited for. `say`: lines about
  /// such waits.
  caller(aio::executor_type loop, connection& over, std::chrono::seconds most, notice say);

  /// Any answer that is not "later". not_reached if the first request gets none at all, or a later one none
  /// for too long; refused (or not_allowed) if the last answer still says "later".
  [[nodiscard]] aio::task<result<answer>> ask(const request& what, const body_sink& sink = {});

  /// The answer if it is a success (2xx, 304); otherwise the refusal as an error. `doing`: its subject.
  [[nodiscard]] aio::task<result<answer>> ask_well(const request& what, std::string doing,
                                                   const body_sink& sink = {});

  /// The JSON of a success.
  [[nodiscard]] aio::task<result<boost::json::value>> ask_json(const request& what, std::string doing);

  /// Sleeps.
  [[nodiscard]] aio::task<> pause(std::chrono::milliseconds time);

  [[nodiscard]] const server& to() const noexcept { return over_.to(); }

private:
  aio::executor_type loop_;
  connection& over_;
  std::chrono::seconds most_;
  notice say_;
  bool has_answered_ = false;
};

/// The error for an answer that kilnd would not give.
[[nodiscard]] error not_as_kilnd(const server& from);

/// The JSON of an answer. refused if it is none.
[[nodiscard]] result<boost::json::value> json_of(const answer& a, const server& from);

} // namespace kiln::client

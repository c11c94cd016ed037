// SPDX-License-Identifier: Apache-2.0
//
// /v1/blenders: the Blenders that render, their versions, and what they can render on.
#pragma once

#include "aio/notification.hpp"
#include "base/error.hpp"
#include "http/service.hpp"
#include "local/installs.hpp"

#include <filesystem>
#include <functional>
#include <map>
#include <string>

namespace kiln::api {

class blenders {
public:
  /// Asks a Blender for {"devices":[…],"engines":[…]}, or {"error":"…"}. Takes its time.
  using inquiry = std::function<aio::task<result<std::string>>(std::filesystem::path)>;

  /// `installs` and `pool` outlive it.
  blenders(aio::executor_type loop, local::installs& installs, aio::blocking_pool& pool, inquiry ask);

  /// It outlives the service's requests.
  void add_routes(http::service& to);

private:
  [[nodiscard]] aio::task<http::answer> list();

  local::installs& installs_;
  aio::blocking_pool& pool_;
  inquiry ask_;
  std::map<std::string, std::string> known_; ///< by name and identity: the answer, once there was one
  bool asking_ = false;
  aio::notification answered_;
};

} // namespace kiln::api

// SPDX-License-Identifier: Apache-2.0
//
// /v1/blenders: the configured Blenders, their versions and their devices.
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
  /// Asks a Blender for {"devices":[…],"engines":[…]}, or {"error":"…"}. Takes about a second.
  using inquiry = std::function<aio::task<result<std::string>>(std::filesystem::path)>;

  /// `installs` and `pool` must outlive it.
  blenders(aio::executor_type loop, local::installs& installs, aio::blocking_pool& pool, inquiry ask);

  /// This object must outlive the service's requests.
  void add_routes(http::service& to);

private:
  [[nodiscard]] aio::task<http::answer> list();

  local::installs& installs_;
  aio::blocking_pool& pool_;
  inquiry ask_;
  std::map<std::string, std::string> known_; ///< answers received so far, by name and identity
  bool asking_ = false;
  aio::notification answered_;
};

} // namespace kiln::api

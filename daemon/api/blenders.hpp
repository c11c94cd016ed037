// SPDX-License-Identifier: Apache-2.0
//
// /v1/blenders: the Blender that renders, its version, and what it can render on.
#pragma once

#include "aio/notification.hpp"
#include "base/error.hpp"
#include "http/service.hpp"

#include <functional>
#include <string>

namespace kiln::api {

class blenders {
public:
  /// Asks Blender for {"devices":[…],"engines":[…]}, or {"error":"…"}. Takes its time.
  using inquiry = std::function<aio::task<result<std::string>>()>;

  /// `version`: "Blender 3.4.1".
  blenders(aio::executor_type loop, std::string version, inquiry ask);

  /// It outlives the service's requests.
  void add_routes(http::service& to);

private:
  [[nodiscard]] aio::task<http::answer> list();

  std::string version_;
  inquiry ask_;
  std::string known_; ///< what was answered, once it was
  bool asking_ = false;
  aio::notification answered_;
};

} // namespace kiln::api

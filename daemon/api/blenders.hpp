// SPDX-License-Identifier: Apache-2.0
//
// /v1/blenders: the Blenders that render, their versions, and what they can render on.
#pragma once

#include "aio/notification.hpp"
#include "base/error.hpp"
#include "blender/install.hpp"
#include "http/service.hpp"

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace kiln::api {

class blenders {
public:
  /// Asks a Blender for {"devices":[…],"engines":[…]}, or {"error":"…"}. Takes its time.
  using inquiry = std::function<aio::task<result<std::string>>(std::filesystem::path)>;

  blenders(aio::executor_type loop, std::vector<blender::install> installs, inquiry ask);

  /// It outlives the service's requests.
  void add_routes(http::service& to);

private:
  [[nodiscard]] aio::task<http::answer> list();

  std::vector<blender::install> installs_;
  inquiry ask_;
  std::map<std::string, std::string> known_; ///< by name: what was answered, once it was
  bool asking_ = false;
  aio::notification answered_;
};

} // namespace kiln::api

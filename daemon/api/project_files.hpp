// SPDX-License-Identifier: Apache-2.0
//
// /v1/files: the .blend files below the project roots, for people who choose one.
#pragma once

#include "blends/blend_finder.hpp"
#include "http/service.hpp"

namespace kiln::api {

class project_files {
public:
  /// `finder` must outlive it.
  explicit project_files(kiln::blends::blend_finder& finder) : finder_(finder) {}

  /// This object must outlive the service's requests.
  void add_routes(http::service& to);

private:
  [[nodiscard]] aio::task<http::answer> list(const http::request& asked);

  kiln::blends::blend_finder& finder_;
};

} // namespace kiln::api

// SPDX-License-Identifier: Apache-2.0
//
// The description of the API: /v1/openapi.json, and /docs, the same for people. The page is Swagger UI, whose
// files packaging/reference/fetch installs; without them it is a plain list.
#pragma once

#include "aio/blocking_pool.hpp"
#include "http/service.hpp"

#include <filesystem>

namespace kiln::api {

class reference {
public:
  /// `files`: the directory of Swagger UI's files; it may be missing. The pool must outlive this object.
  reference(std::filesystem::path files, aio::blocking_pool& pool);

  /// This object must outlive the service's requests.
  void add_routes(http::service& to);

private:
  [[nodiscard]] aio::task<http::answer> page();
  [[nodiscard]] aio::task<http::answer> part(const http::request& asked);

  std::filesystem::path files_;
  aio::blocking_pool& pool_;
};

} // namespace kiln::api

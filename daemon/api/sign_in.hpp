// SPDX-License-Identifier: Apache-2.0
//
// /v1/session: a browser shows its token once and gets a cookie, which it also sends for pictures, videos and
// downloads.
#pragma once

#include "http/service.hpp"

namespace kiln::api {

class sign_in {
public:
  /// Both must outlive it.
  sign_in(http::service& of, access::gate& doors) : service_(of), doors_(doors) {}

  /// This object must outlive the service's requests.
  void add_routes(http::service& to);

private:
  [[nodiscard]] http::answer begin(const http::request& asked);
  [[nodiscard]] http::answer show(const http::request& asked);
  [[nodiscard]] http::answer end(const http::request& asked);

  http::service& service_;
  access::gate& doors_;
};

} // namespace kiln::api

// SPDX-License-Identifier: Apache-2.0
//
// /v1/blends: .blend files that clients upload for their jobs. See docs/api.md.
#pragma once

#include "blends/uploads.hpp"
#include "http/service.hpp"

#include <chrono>
#include <optional>

namespace kiln::api {

class blends {
public:
  /// The objects passed by reference must outlive it. `keep`: how long an unused upload stays; nullopt:
  /// without limit.
  blends(kiln::blends::uploads& of, std::optional<std::chrono::milliseconds> keep)
      : uploads_(of), keep_(keep) {}

  /// This object must outlive the service's requests.
  void add_routes(http::service& to);

private:
  using arrival = std::unique_ptr<kiln::blends::arrival>;

  [[nodiscard]] aio::task<http::answer> receive(const http::request& asked, http::body_reader& body);
  [[nodiscard]] aio::task<result<void>> take_in(kiln::blends::arrival& into, http::body_reader& body);
  [[nodiscard]] aio::task<http::answer> list(const http::request& asked);
  [[nodiscard]] aio::task<http::answer> read(const http::request& asked);
  [[nodiscard]] aio::task<http::answer> remove(const http::request& asked);

  kiln::blends::uploads& uploads_;
  std::optional<std::chrono::milliseconds> keep_;
};

} // namespace kiln::api

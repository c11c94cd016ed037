// SPDX-License-Identifier: Apache-2.0
//
// /v1/blends: .blend files that clients upload for their jobs. See docs/api.md.
#pragma once

#include "blends/resumable_uploads.hpp"
#include "blends/uploads.hpp"
#include "http/service.hpp"

#include <chrono>
#include <optional>

namespace kiln::api {

class blends {
public:
  /// The objects passed by reference must outlive it. `keep`: how long an unused upload stays; nullopt:
  /// without limit.
  blends(kiln::blends::uploads& of, kiln::blends::resumable_uploads& unfinished,
         std::optional<std::chrono::milliseconds> keep)
      : uploads_(of), unfinished_(unfinished), keep_(keep) {}

  /// This object must outlive the service's requests.
  void add_routes(http::service& to);

private:
  using arrival = std::unique_ptr<kiln::blends::arrival>;

  [[nodiscard]] aio::task<http::answer> receive(const http::request& asked, http::body_reader& body);
  [[nodiscard]] aio::task<result<void>> take_in(kiln::blends::arrival& into, http::body_reader& body);
  [[nodiscard]] aio::task<http::answer> list(const http::request& asked);
  [[nodiscard]] aio::task<http::answer> read(const http::request& asked);
  [[nodiscard]] aio::task<http::answer> remove(const http::request& asked);

  [[nodiscard]] http::response kept_answer(const kiln::blends::uploads::outcome& kept) const;

  // Uploads in several requests: resumable_blends.cpp
  void add_resumable_routes(http::service& to);
  [[nodiscard]] aio::task<http::answer> begin(const http::request& asked, http::body_reader& body,
                                              std::string name, std::optional<std::string> digest);
  [[nodiscard]] aio::task<http::answer> tell_offset(const http::request& asked);
  [[nodiscard]] aio::task<http::answer> append(const http::request& asked, http::body_reader& body);
  [[nodiscard]] aio::task<http::answer> cancel(const http::request& asked);
  [[nodiscard]] aio::task<std::optional<http::answer>> take_in(kiln::blends::resumable_uploads::turn& into,
                                                               http::body_reader& body);

  kiln::blends::uploads& uploads_;
  kiln::blends::resumable_uploads& unfinished_;
  std::optional<std::chrono::milliseconds> keep_;
};

} // namespace kiln::api

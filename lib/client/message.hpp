// SPDX-License-Identifier: Apache-2.0
//
// A request to kilnd and its answer, as values.
#pragma once

#include "base/error.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kiln::client {

struct request {
  std::string method = "GET";
  std::string path; ///< below the server's prefix, with query: "/v1/jobs?limit=10"
  std::vector<std::pair<std::string, std::string>> fields = {};
  std::string body = {};
  int file = -1;                    ///< a descriptor whose content is the body, in place of `body`; borrowed
  std::uint64_t file_begin = 0;     ///< where this content begins in the file
  std::uint64_t file_size = 0;      ///< of this content
  std::chrono::seconds held_for{0}; ///< how long the server may hold the answer
};

struct answer {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> fields = {}; ///< names in lower case
  std::string body = {};

  /// The value of a field, given in lower case; nullopt if there is none.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const {
    for (const auto& [known, value] : fields)
      if (known == name)
        return value;
    return std::nullopt;
  }
};

/// Receives the body of a successful answer (2xx) in place of answer::body. An error ends the exchange.
struct body_sink {
  std::function<result<void>(const answer& head)> begin; ///< once an exchange; an earlier body was incomplete
  std::function<result<void>(std::string_view piece)> add;

  explicit operator bool() const noexcept { return begin != nullptr; }
};

} // namespace kiln::client

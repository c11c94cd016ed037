// SPDX-License-Identifier: Apache-2.0
//
// Maps methods and paths to handlers: pure.
#pragma once

#include "http/message.hpp"

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kiln::http {

class router {
public:
  /// `pattern`: "/v1/jobs/{id}/frames/{frame}"; a segment in braces, at most two of them, matches any segment
  /// that is not empty. `handler`: any number of the caller's choice. A GET also serves HEAD.
  void add(std::string method, std::string pattern, std::size_t handler);

  struct match {
    std::optional<std::size_t> handler;
    std::array<std::string_view, 2> captured; ///< the segments matched by those in braces
    std::string allow; ///< methods of the path, as in an Allow field; empty if there is no such path
  };

  /// Views of `path` in the result.
  [[nodiscard]] match find(std::string_view method, std::string_view path) const;

private:
  struct route {
    std::string method;
    std::string pattern;
    std::size_t handler = 0;
  };
  std::vector<route> routes_;
};

} // namespace kiln::http

// SPDX-License-Identifier: Apache-2.0
//
// Files that are part of the program and served as they were when kilnd was built: docs/openapi.json, and
// those of the page (daemon/page/built). They are packed with gzip, which most clients unpack themselves.
#pragma once

#include "http/message.hpp"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace kiln::api {

struct built_in {
  std::string_view name;   ///< without folder
  std::string_view packed; ///< gzip
  std::size_t size = 0;    ///< unpacked
  std::string_view digest; ///< SHA-256 of the unpacked file, in hexadecimal digits
};

/// Sorted by name. Defined in a file that CMake writes.
extern const std::span<const built_in> built_ins;

/// Null if there is none.
[[nodiscard]] const built_in* find_built_in(std::string_view name) noexcept;

/// The unpacked file.
[[nodiscard]] std::string unpack(const built_in& file);

/// Whether Accept-Encoding allows gzip (RFC 9110, 12.5.3).
[[nodiscard]] bool takes_gzip(const http::request& asked);

/// The file, packed if the client takes that; 304 if it has it. `head`: the answer without body and
/// validators.
[[nodiscard]] http::response built_in_answer(const http::request& asked, http::response head,
                                             const built_in& file);

/// A text that depends on the request, or is written in the source. `digest`: of all that it depends on.
[[nodiscard]] http::response text_answer(const http::request& asked, http::response head,
                                         std::string_view text, std::string_view digest);

} // namespace kiln::api

// SPDX-License-Identifier: Apache-2.0
//
// An OpenAPI description as a plain list for people: pure.
#pragma once

#include <string>
#include <string_view>

namespace kiln::api {

/// A page of HTML without scripts. `openapi`: JSON, well formed.
[[nodiscard]] std::string plain_reference(std::string_view openapi);

} // namespace kiln::api

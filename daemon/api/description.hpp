// SPDX-License-Identifier: Apache-2.0
//
// docs/openapi.json, which describes this API, as it was when kilnd was built.
#pragma once

#include <string_view>

namespace kiln::api {

extern const std::string_view openapi_json;
extern const std::string_view openapi_digest; ///< SHA-256, in hexadecimal digits

} // namespace kiln::api

// SPDX-License-Identifier: Apache-2.0
//
// Uploads as JSON: pure.
#pragma once

#include "store/upload_record.hpp"

#include <boost/json/object.hpp>

#include <optional>

namespace kiln::api {

/// `keep`: how long an unused upload stays; nullopt: without limit.
[[nodiscard]] boost::json::object format_upload(const store::upload_record& upload,
                                                std::optional<std::chrono::milliseconds> keep);

} // namespace kiln::api

// SPDX-License-Identifier: Apache-2.0
//
// The page for people, at "/": the files of daemon/page/built. They hold nothing secret, so that they are
// served without a token; the page asks its user for one.
#pragma once

#include "http/service.hpp"

namespace kiln::api {

void add_page_routes(http::service& to);

} // namespace kiln::api

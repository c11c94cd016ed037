// SPDX-License-Identifier: Apache-2.0
//
// What a refusal means for a person and for the exit status: pure.
#pragma once

#include "client/message.hpp"
#include "client/server.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace kiln::client {

struct field_problem {
  std::string pointer; ///< "/frames"
  std::string detail;
};

/// The fields that a 422 names; empty for any other answer.
[[nodiscard]] std::vector<field_problem> field_problems(const answer& a);

/// An answer that is no success as an error: its detail, each field, the id of the request, and what to do.
/// not_allowed for 401 and 403, else refused.
[[nodiscard]] error explain(const answer& a, const server& from, std::string_view doing);

} // namespace kiln::client

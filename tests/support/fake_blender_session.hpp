// SPDX-License-Identifier: Apache-2.0
//
// A fake_blender that stays, as Blender does with kiln_session.py; session_protocol.hpp has the messages.
#pragma once

#include <string>
#include <vector>

namespace kiln::tests {

/// Its exit status, once kilnd has gone or has let it go.
int run_session(const std::vector<std::string>& arguments);

} // namespace kiln::tests

// SPDX-License-Identifier: Apache-2.0
//
// Who listens on a port, for the message that says it cannot be had.
#pragma once

#include <string>

namespace kiln::http {

/// "nginx (pid 123)" for the process that listens on this TCP port, as far as /proc lets one see; empty when
/// it cannot be known.
[[nodiscard]] std::string find_port_holder(unsigned short port);

} // namespace kiln::http

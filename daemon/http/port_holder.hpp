// SPDX-License-Identifier: Apache-2.0
//
// The process that listens on a port, for the message that the port is in use.
#pragma once

#include <string>

namespace kiln::http {

/// "nginx (pid 123)" for the process that listens on this TCP port, as far as /proc shows it; empty if
/// unknown.
[[nodiscard]] std::string find_port_holder(unsigned short port);

} // namespace kiln::http

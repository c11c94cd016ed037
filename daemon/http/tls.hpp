// SPDX-License-Identifier: Apache-2.0
//
// A certificate and its key as a context for connections: TLS 1.2 and 1.3, with forward secrecy alone.
#pragma once

#include "base/error.hpp"
#include "http/connection.hpp"

#include <filesystem>

namespace kiln::http {

/// PEM files: the certificate first, then those that lead to its authority. Blocks. The error names the file
/// and what is wrong with it.
[[nodiscard]] result<tls_context> load_tls(const std::filesystem::path& certificate,
                                           const std::filesystem::path& key);

/// Of its certificate.
[[nodiscard]] bool has_expired(const tls_context& of);

} // namespace kiln::http

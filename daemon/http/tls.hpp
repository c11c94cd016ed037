// SPDX-License-Identifier: Apache-2.0
//
// A certificate and its key as a context for connections: TLS 1.2 and 1.3, only with forward secrecy.
#pragma once

#include "base/error.hpp"

#include <filesystem>
#include <memory>

namespace boost::asio::ssl {
class context;
}

namespace kiln::http {

using tls_context = std::shared_ptr<boost::asio::ssl::context>;

/// PEM files: the certificate first, then the chain to its authority. Blocks. The error names the file and
/// its fault.
[[nodiscard]] result<tls_context> load_tls(const std::filesystem::path& certificate,
                                           const std::filesystem::path& key);

/// Whether its certificate has expired.
[[nodiscard]] bool has_expired(const tls_context& of);

} // namespace kiln::http

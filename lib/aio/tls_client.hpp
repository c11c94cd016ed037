// SPDX-License-Identifier: Apache-2.0
//
// TLS of a client: 1.2 or newer, with certificate and name verified.
#pragma once

#include "aio/task.hpp"
#include "base/error.hpp"

#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>

#include <filesystem>
#include <string>

namespace kiln::aio {

/// Trusts the system's certificates, and those of `ca_file` (PEM) unless it is empty. Blocks (it reads them).
/// invalid_input if `ca_file` cannot be used.
[[nodiscard]] result<asio::ssl::context> make_tls_client(const std::filesystem::path& ca_file);

/// Prepares a stream (asio::ssl::stream) for a handshake with this host, a name or an address.
template<class Stream>
void expect_host(Stream& secure, std::string host, bool is_address) {
  secure.set_verify_callback(asio::ssl::host_name_verification(host));
  if (!is_address) // RFC 6066, section 3: no addresses. SSL_set_tlsext_host_name(), without its C cast
    ::SSL_ctrl(secure.native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, host.data());
}

/// The reason why a handshake failed, for people.
[[nodiscard]] std::string tls_failure(SSL* of, const boost::system::error_code& ec);

} // namespace kiln::aio

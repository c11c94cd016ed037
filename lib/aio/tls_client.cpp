// SPDX-License-Identifier: Apache-2.0
#include "aio/tls_client.hpp"

#include <fmt/format.h>

namespace kiln::aio {

namespace ssl = asio::ssl;
using boost::system::error_code;

result<ssl::context> make_tls_client(const std::filesystem::path& ca_file) {
  error_code ec;
  ssl::context tls{ssl::context::tls_client};
  ::SSL_CTX_set_min_proto_version(tls.native_handle(), TLS1_2_VERSION);
  tls.set_verify_mode(ssl::verify_peer, ec);
  tls.set_default_verify_paths(ec);
  ec.clear(); // the system may have no certificates: the file's remain
  if (!ca_file.empty())
    tls.load_verify_file(ca_file.native(), ec);
  if (ec)
    return error{errc::invalid_input, fmt::format("{} holds no certificates in PEM that can be read: {}",
                                                  ca_file.native(), ec.message())};
  return tls;
}

std::string tls_failure(SSL* of, const error_code& ec) {
  if (const long why = ::SSL_get_verify_result(of); why != X509_V_OK)
    return fmt::format("TLS: its certificate is refused: {}", ::X509_verify_cert_error_string(why));
  return fmt::format("TLS: {}", ec.message());
}

} // namespace kiln::aio

// SPDX-License-Identifier: Apache-2.0
#include "http/tls.hpp"

#include <boost/asio/ssl/context.hpp>
#include <fmt/format.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

namespace kiln::http {
namespace {

namespace ssl = boost::asio::ssl;
using boost::system::error_code;

// AEAD with ephemeral keys; the ciphers of TLS 1.3 all qualify.
constexpr const char* ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20";
constexpr unsigned char only_http_1_1[] = "\x08http/1.1";

error about(const char* option, const std::filesystem::path& file, const std::string& why) {
  return {errc::invalid_input, fmt::format("{}: {}: {}", option, file.native(), why)};
}

/// Clients that offer only other ALPN protocols (h2) get HTTP/1.1 without one being selected.
int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* size, const unsigned char* offered,
                    unsigned int offered_size, void*) {
  unsigned char* found = nullptr;
  if (SSL_select_next_proto(&found, size, only_http_1_1, sizeof only_http_1_1 - 1, offered, offered_size) !=
      OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_NOACK;
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

} // namespace

result<tls_context> load_tls(const std::filesystem::path& certificate, const std::filesystem::path& key) {
  ERR_clear_error();
  auto made = std::make_shared<ssl::context>(ssl::context::tls_server);
  auto* native = made->native_handle();
  error_code ec;
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(native, ciphers);
  SSL_CTX_set_options(native, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS); // a connection that waits holds none
  SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_alpn_select_cb(native, choose_protocol, nullptr);
  bool asked_for_password = false;
  made->set_password_callback( // otherwise OpenSSL would prompt on the terminal
      [&](std::size_t, ssl::context::password_purpose) {
        asked_for_password = true;
        return std::string{};
      },
      ec);
  made->use_certificate_chain_file(certificate.native(), ec);
  if (ec)
    return about("tls_certificate", certificate, ec.message());
  made->use_private_key_file(key.native(), ssl::context::pem, ec);
  if (asked_for_password)
    return about("tls_key", key, "the key is encrypted: kilnd needs one without a passphrase");
  if (ec)
    return about("tls_key", key, ec.message());
  if (SSL_CTX_check_private_key(native) != 1)
    return about("tls_key", key, "this is not the key of the certificate");
  made->set_password_callback([](std::size_t, ssl::context::password_purpose) { return std::string{}; }, ec);
  return made;
}

bool has_expired(const tls_context& of) {
  const auto* certificate = SSL_CTX_get0_certificate(of->native_handle());
  return certificate && X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0;
}

} // namespace kiln::http

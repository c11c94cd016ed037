// SPDX-License-Identifier: Apache-2.0
// A TLS client whose records are changed, cut, repeated or made up: kilnd's side gets only bytes that the
// client has written, in their order, and never settles for weak terms.
#include "check.hpp"
#include "http/tls.hpp"

#include <boost/asio/ssl/context.hpp>

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <unistd.h>

namespace {

namespace fs = std::filesystem;

template<auto Free>
struct freed_by {
  template<class T>
  void operator()(T* one) const {
    Free(one);
  }
};
using ssl_ptr = std::unique_ptr<SSL, freed_by<SSL_free>>;
using context_ptr = std::unique_ptr<SSL_CTX, freed_by<SSL_CTX_free>>;

kiln::http::tls_context make_server() {
  const auto directory = fs::temp_directory_path() / ("kiln-tls-fuzz-" + std::to_string(::getpid()));
  fs::create_directories(directory);
  const std::unique_ptr<EVP_PKEY, freed_by<EVP_PKEY_free>> key{EVP_EC_gen("P-256")};
  const std::unique_ptr<X509, freed_by<X509_free>> certificate{X509_new()};
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_set_pubkey(certificate.get(), key.get());
  KILN_HOLDS(X509_sign(certificate.get(), key.get(), EVP_sha256()) > 0);
  for (const char* name : {"certificate", "key"}) {
    auto* file = std::fopen((directory / name).c_str(), "w");
    KILN_HOLDS(file);
    if (std::string_view{name} == "key")
      PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    else
      PEM_write_X509(file, certificate.get());
    std::fclose(file);
  }
  auto made = kiln::http::load_tls(directory / "certificate", directory / "key");
  fs::remove_all(directory);
  KILN_HOLDS(made);
  return *made;
}

context_ptr make_client(std::uint8_t how) {
  context_ptr made{SSL_CTX_new(TLS_client_method())};
  constexpr std::array<unsigned char, 12> protocols{2, 'h', '2', 8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  SSL_CTX_set_security_level(made.get(), 0); // it offers whatever it can
  SSL_CTX_set_cipher_list(made.get(), "ALL:COMPLEMENTOFALL");
  SSL_CTX_set_min_proto_version(made.get(), TLS1_VERSION);
  SSL_CTX_set_max_proto_version(made.get(), how % 4 == 0   ? TLS1_1_VERSION
                                            : how % 4 == 1 ? TLS1_2_VERSION
                                                           : 0);
  if (how & 4)
    SSL_CTX_set_alpn_protos(made.get(), protocols.data(), how & 8 ? 3 : protocols.size());
  return made;
}

ssl_ptr make_side(SSL_CTX* of) {
  ssl_ptr made{SSL_new(of)};
  SSL_set_bio(made.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  return made;
}

std::string take_output(SSL* from) {
  std::string bytes(BIO_ctrl_pending(SSL_get_wbio(from)), '\0');
  if (!bytes.empty())
    BIO_read(SSL_get_wbio(from), bytes.data(), static_cast<int>(bytes.size()));
  return bytes;
}

void give_input(SSL* to, std::string_view bytes) {
  if (!bytes.empty())
    BIO_write(SSL_get_rbio(to), bytes.data(), static_cast<int>(bytes.size()));
}

class game {
public:
  explicit game(std::uint8_t how)
      : context_(make_client(how)), client_(make_side(context_.get())),
        server_(make_side(server()->native_handle())) {
    SSL_set_connect_state(client_.get());
    SSL_set_accept_state(server_.get());
  }

  void play(std::string_view script) {
    while (!script.empty() && !is_over_) {
      const auto move = static_cast<std::uint8_t>(script.front());
      script.remove_prefix(1);
      const auto bytes = script.substr(0, std::min<std::size_t>(move / 8, script.size()));
      step_client();
      auto records = take_output(client_.get());
      switch (move % 8) {
      case 0: // arrive as they are
      case 1:
        break;
      case 2: // one byte is changed
        if (!records.empty() && !bytes.empty())
          records[static_cast<std::uint8_t>(bytes[0]) * records.size() / 256] ^=
              static_cast<char>(bytes.size() > 1 ? bytes[1] : 1);
        break;
      case 3: // cut
        records.resize(records.size() / 2);
        break;
      case 4: // sent twice
        records += records;
        break;
      case 5: // between made up bytes
        records = std::string{bytes} + records;
        script.remove_prefix(bytes.size());
        break;
      case 6: // new keys, or a new handshake
        if (SSL_is_init_finished(client_.get()))
          SSL_version(client_.get()) == TLS1_3_VERSION
              ? SSL_key_update(client_.get(), SSL_KEY_UPDATE_REQUESTED)
              : SSL_renegotiate(client_.get());
        break;
      case 7:
        write(bytes);
        script.remove_prefix(bytes.size());
        break;
      }
      give_input(server_.get(), records);
      step_server();
      give_input(client_.get(), take_output(server_.get()));
    }
  }

private:
  static kiln::http::tls_context& server() {
    static auto made = make_server();
    return made;
  }

  void step_client() {
    ERR_clear_error();
    if (SSL_do_handshake(client_.get()) != 1)
      return;
    char ignored[64];
    (void)SSL_read(client_.get(), ignored, sizeof ignored);
  }

  void write(std::string_view bytes) {
    ERR_clear_error();
    const auto size = static_cast<int>(bytes.size());
    if (size > 0 && SSL_is_init_finished(client_.get()) &&
        SSL_write(client_.get(), bytes.data(), size) == size)
      written_ += bytes;
  }

  void step_server() {
    char in[256];
    for (int got = 1; got > 0;) {
      ERR_clear_error();
      got = SSL_is_init_finished(server_.get()) ? SSL_read(server_.get(), in, sizeof in)
                                                : SSL_do_handshake(server_.get());
      const bool was_read = got > 0 && !read_begins_;
      if (SSL_is_init_finished(server_.get()) && !read_begins_) {
        read_begins_ = true;
        check_terms();
        if (was_read)
          continue; // that was the handshake
      }
      if (got > 0)
        read_.append(in, static_cast<std::size_t>(got));
      const int why = SSL_get_error(server_.get(), got);
      is_over_ = got <= 0 && why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE;
    }
    KILN_HOLDS(written_.starts_with(read_));
    KILN_HOLDS(BIO_ctrl_pending(SSL_get_wbio(server_.get())) < 100'000);
  }

  void check_terms() const {
    const auto* cipher = SSL_get_current_cipher(server_.get());
    KILN_HOLDS(SSL_version(server_.get()) >= TLS1_2_VERSION);
    KILN_HOLDS(cipher && SSL_CIPHER_is_aead(cipher));
    const auto key = SSL_CIPHER_get_kx_nid(cipher);
    KILN_HOLDS(key == NID_kx_ecdhe || key == NID_kx_any); // any: TLS 1.3
    const unsigned char* protocol = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(server_.get(), &protocol, &size);
    KILN_HOLDS(size == 0 || std::string_view(reinterpret_cast<const char*>(protocol), size) == "http/1.1");
  }

  context_ptr context_;
  ssl_ptr client_, server_;
  std::string written_, read_;
  bool read_begins_ = false, is_over_ = false;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 0)
    game{data[0]}.play(as_text(data + 1, size - 1));
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
//
// Posts a letter by HTTP/1.1, over TLS (1.2 or newer, certificate and name verified) or without. It connects
// only to addresses that it has checked itself, follows no redirects, and discards the body of the answer.
#pragma once

#include "aio/blocking_pool.hpp"
#include "base/error.hpp"
#include "webhook/sender.hpp"
#include "webhook/target.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>

#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace kiln::webhook {

struct sender_settings {
  target_rules targets{{}};
  std::filesystem::path ca_file;              ///< PEM; trusted in addition to the system's; empty: none
  std::chrono::milliseconds deadline{15'000}; ///< for connecting, sending and the answer together
  std::string user_agent;
};

class http_sender final : public sender {
public:
  /// Blocks (it reads certificates). invalid_input if `ca_file` cannot be used.
  [[nodiscard]] static result<std::unique_ptr<http_sender>> make(aio::executor_type loop, sender_settings s);
  ~http_sender() override;

  [[nodiscard]] aio::task<sent> send(letter what) override;
  void abort() override;

private:
  using endpoint = aio::asio::ip::tcp::endpoint;
  struct connection;
  http_sender(aio::executor_type loop, sender_settings s, std::optional<aio::asio::ssl::context> tls);
  [[nodiscard]] aio::task<result<std::vector<endpoint>>> resolve(target to);
  template<class Stream>
  [[nodiscard]] aio::task<sent> exchange(Stream& over, connection& mine, const target& to, letter what);

  aio::executor_type loop_;
  sender_settings settings_;
  std::optional<aio::asio::ssl::context> tls_; ///< set if any target is allowed
  aio::blocking_pool names_;                   ///< looks names up
  std::set<connection*> open_;
  bool aborted_ = false;
};

} // namespace kiln::webhook

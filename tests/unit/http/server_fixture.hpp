// SPDX-License-Identifier: Apache-2.0
//
// A server on a real loop, asked over real sockets.
#pragma once

#include "aio/blocking_pool.hpp"
#include "aio/notification.hpp"
#include "http/server.hpp"
#include "support/loop.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>
#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>

#include <charconv>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>

namespace kiln::http {

namespace asio = aio::asio;

class server_test : public tests::loop_test {
protected:
  server_test() : log_("test", std::make_shared<spdlog::sinks::null_sink_st>()), go_on_(executor()) {
    const auto page = [](int status, std::string_view detail, std::string_view) {
      return response{.status = status, .content_type = "text/plain", .body = std::string{detail}};
    };
    service_ =
        std::make_unique<service>(limits{}, std::vector<std::string>{"localhost"}, doors_, page, pool_, log_);
    service_->on("GET", "/now/{id}", access::role::none, [](const request& asked) -> answer {
      return response{.status = 200, .content_type = "text/plain", .body = std::string{asked.id}};
    });
    service_->on("POST", "/echo", access::role::none, [](const request& asked) -> answer {
      return response{.status = 200, .content_type = "text/plain", .body = std::string{asked.body}};
    });
    service_->on("GET", "/throws", access::role::none,
                 [](const request&) -> answer { throw std::runtime_error("secret"); });
    service_->on("GET", "/later", access::role::none, [this](const request&) { return later(); });
    server_ = std::make_unique<server>(executor(), *service_);
  }

  aio::task<answer> later() {
    asked_later_ = true;
    while (!may_answer_)
      co_await go_on_.wait();
    co_return response{.status = 200, .content_type = "text/plain", .body = "later"};
  }

  /// Runs the test as a client, with the server beside it, and stops the server in order.
  void with_server(std::function<aio::task<>()> client) {
    run([&]() -> aio::task<> {
      EXPECT_TRUE(server_->listen("127.0.0.1", 0));
      aio::task_group group{executor(), [](const std::exception_ptr& e) { std::rethrow_exception(e); }};
      group.spawn(server_->run());
      co_await client();
      server_->stop_accepting();
      co_await server_->finish(std::chrono::milliseconds{100});
      co_await group.join();
    });
  }

  aio::task<tcp_socket> connect() {
    const auto address = server_->local_address();
    unsigned short port = 0;
    std::from_chars(address.data() + address.rfind(':') + 1, address.data() + address.size(), port);
    tcp_socket socket{executor()};
    const asio::ip::tcp::endpoint endpoint{asio::ip::make_address("127.0.0.1"), port};
    co_await socket.async_connect(endpoint, aio::use_task);
    co_return socket;
  }

  /// Sends, says that no more comes, and gives all that is answered.
  aio::task<std::string> ask(std::string bytes) {
    auto socket = co_await connect();
    co_await asio::async_write(socket, asio::buffer(bytes), aio::use_task);
    socket.shutdown(tcp_socket::shutdown_send);
    std::string answered;
    boost::system::error_code ec;
    co_await asio::async_read(socket, asio::dynamic_buffer(answered),
                              asio::redirect_error(aio::use_task, ec));
    co_return answered;
  }

  /// The same, by a client that would say more.
  aio::task<> ask_open_into(std::string bytes, std::string& answered) {
    auto socket = co_await connect();
    co_await asio::async_write(socket, asio::buffer(bytes), aio::use_task);
    boost::system::error_code ec;
    co_await asio::async_read(socket, asio::dynamic_buffer(answered),
                              asio::redirect_error(aio::use_task, ec));
  }

  aio::task<> until(const bool& condition) {
    while (!condition) {
      aio::timer t{executor(), std::chrono::milliseconds{1}};
      co_await t.async_wait(aio::use_task);
    }
  }

  /// Once /later is being asked: answers it, after `pause`.
  aio::task<> let_go(std::chrono::milliseconds pause) {
    co_await until(asked_later_);
    aio::timer t{executor(), pause};
    co_await t.async_wait(aio::use_task);
    may_answer_ = true;
    go_on_.notify_all();
  }

  aio::task<> ask_into(std::string bytes, std::string& answered) {
    answered = co_await ask(std::move(bytes));
  }

  /// The pool's only thread is busy until `over`.
  aio::task<> hold_pool(std::future<bool> over, bool& is_held) {
    is_held = true;
    const auto wait_here = [waits = over.share()] { return waits.get(); };
    is_held = !co_await pool_.run(wait_here);
  }

  static std::string bodies(const std::string& answered) {
    std::string all;
    for (std::size_t at = 0; (at = answered.find("\r\n\r\n", at)) != std::string::npos;) {
      at += 4;
      all += answered.substr(at, answered.find("HTTP/1.1", at) - at) + ";";
    }
    return all;
  }

  spdlog::logger log_;
  access::gate doors_{{}, {}};
  aio::blocking_pool pool_{1};
  aio::notification go_on_;
  bool may_answer_ = false;
  bool asked_later_ = false;
  std::unique_ptr<service> service_;
  std::unique_ptr<server> server_;
};

inline std::string get(const std::string& path) {
  return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
}
} // namespace kiln::http

// SPDX-License-Identifier: Apache-2.0
// Real sockets on a real loop; what only time or many clients show is in tests/contract.
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

namespace kiln::http {
namespace {

namespace asio = aio::asio;

class server_test : public tests::loop_test {
protected:
  server_test() : log_("test", std::make_shared<spdlog::sinks::null_sink_st>()), go_on_(executor()) {
    const auto page = [](int status, std::string_view detail, std::string_view) {
      return response{.status = status, .content_type = "text/plain", .body = std::string{detail}};
    };
    service_ = std::make_unique<service>(limits{}, std::vector<std::string>{"localhost"}, page, log_);
    service_->on("GET", "/now/{id}", [](const request& asked) -> answer {
      return response{.status = 200, .content_type = "text/plain", .body = std::string{asked.id}};
    });
    service_->on("POST", "/echo", [](const request& asked) -> answer {
      return response{.status = 200, .content_type = "text/plain", .body = std::string{asked.body}};
    });
    service_->on("GET", "/throws", [](const request&) -> answer { throw std::runtime_error("secret"); });
    service_->on("GET", "/later", [this](const request&) { return later(); });
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

  static std::string bodies(const std::string& answered) {
    std::string all;
    for (std::size_t at = 0; (at = answered.find("\r\n\r\n", at)) != std::string::npos;) {
      at += 4;
      all += answered.substr(at, answered.find("HTTP/1.1", at) - at) + ";";
    }
    return all;
  }

  spdlog::logger log_;
  aio::notification go_on_;
  bool may_answer_ = false;
  bool asked_later_ = false;
  std::unique_ptr<service> service_;
  std::unique_ptr<server> server_;
};

std::string get(const std::string& path) {
  return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
}

TEST_F(server_test, pipelined_requests_are_answered_in_their_order) {
  with_server([&]() -> aio::task<> {
    std::string asked, expected;
    for (int i = 0; i < 100; ++i) {
      asked += get("/now/" + std::to_string(i));
      expected += std::to_string(i) + ";";
    }
    EXPECT_EQ(bodies(co_await ask(asked)), expected);
  });
}

TEST_F(server_test, a_slow_handler_keeps_the_order) {
  with_server([&]() -> aio::task<> {
    aio::task_group group{executor(), [](const std::exception_ptr& e) { std::rethrow_exception(e); }};
    group.spawn(let_go(std::chrono::milliseconds{0}));
    EXPECT_EQ(bodies(co_await ask(get("/now/1") + get("/later") + get("/now/2"))), "1;later;2;");
    co_await group.join();
  });
}

TEST_F(server_test, requests_may_be_cut_anywhere) {
  with_server([&]() -> aio::task<> {
    const std::string asked = "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nbody"
                              "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
                              "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: x\r\n\r\n" +
                              get("/now/7");
    for (std::size_t at = 1; at < asked.size(); ++at) {
      auto socket = co_await connect();
      co_await asio::async_write(socket, asio::buffer(asked.data(), at), aio::use_task);
      aio::timer t{executor(), std::chrono::microseconds{100}};
      co_await t.async_wait(aio::use_task);
      co_await asio::async_write(socket, asio::buffer(asked.data() + at, asked.size() - at), aio::use_task);
      socket.shutdown(tcp_socket::shutdown_send);
      std::string answered;
      boost::system::error_code ec;
      co_await asio::async_read(socket, asio::dynamic_buffer(answered),
                                asio::redirect_error(aio::use_task, ec));
      EXPECT_EQ(bodies(answered), "body;abcde;7;") << at;
    }
  });
}

TEST_F(server_test, what_a_handler_throws_stays_inside) {
  with_server([&]() -> aio::task<> {
    const auto answered = co_await ask(get("/throws") + get("/now/1"));
    EXPECT_TRUE(answered.starts_with("HTTP/1.1 500 ")) << answered;
    EXPECT_EQ(answered.find("secret"), std::string::npos);
    EXPECT_TRUE(bodies(answered).ends_with(";1;")) << answered;
  });
}

TEST_F(server_test, finish_waits_for_answers_under_way) {
  std::string answered;
  run([&]() -> aio::task<> {
    EXPECT_TRUE(server_->listen("127.0.0.1", 0));
    aio::task_group group{executor(), [](const std::exception_ptr& e) { std::rethrow_exception(e); }};
    group.spawn(server_->run());
    group.spawn(ask_into(get("/later"), answered));
    co_await until(asked_later_);
    server_->stop_accepting();
    group.spawn(let_go(std::chrono::milliseconds{20}));
    co_await server_->finish(std::chrono::seconds{60});
    co_await group.join();
  });
  EXPECT_NE(answered.find("Connection: close"), std::string::npos) << answered;
  EXPECT_EQ(bodies(answered), "later;");
}

TEST_F(server_test, an_address_that_cannot_be_had_is_named) {
  server other{executor(), *service_};
  ASSERT_TRUE(server_->listen("127.0.0.1", 0));
  const auto address = server_->local_address();
  unsigned short port = 0;
  std::from_chars(address.data() + address.rfind(':') + 1, address.data() + address.size(), port);
  const auto busy = other.listen("127.0.0.1", port);
  ASSERT_FALSE(busy);
  EXPECT_NE(busy.error().message.find(address), std::string::npos) << busy.error().message;
  EXPECT_NE(busy.error().message.find("http_test"), std::string::npos) << busy.error().message;
  server third{executor(), *service_};
  EXPECT_NE(third.listen("nowhere", 1).error().message.find("nowhere"), std::string::npos);
  server fourth{executor(), *service_};
  EXPECT_NE(fourth.listen("192.0.2.1", 0).error().message.find("192.0.2.1"), std::string::npos);
  server_->stop_accepting();
}

} // namespace
} // namespace kiln::http

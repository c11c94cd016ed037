// SPDX-License-Identifier: Apache-2.0
// Real sockets on a real loop; tests that need time or many clients are in tests/contract.
#include "unit/http/server_fixture.hpp"

#include <fmt/format.h>

namespace kiln::http {
namespace {

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

TEST_F(server_test, a_client_that_leaves_while_it_waits_is_noticed) {
  bool gone = false, waits = false;
  service_->on("GET", "/wait", access::role::none, [&](const request& asked) -> reply {
    waits = asked.client->begin_waiting([&] {
      gone = true;
      go_on_.notify_all();
    });
    return later();
  });
  with_server([&]() -> aio::task<> {
    {
      auto socket = co_await connect();
      co_await asio::async_write(socket, asio::buffer(get("/wait")), aio::use_task);
      co_await until(asked_later_);
      EXPECT_TRUE(waits);
      EXPECT_FALSE(gone);
    }
    co_await until(gone);
    may_answer_ = true;
    go_on_.notify_all();
  });
}

TEST_F(server_test, who_waits_is_told_that_the_server_ends) {
  bool gone = false;
  service_->on("GET", "/wait", access::role::none, [&](const request& asked) -> reply {
    EXPECT_TRUE(asked.client->begin_waiting([&] {
      gone = true;
      may_answer_ = true;
      go_on_.notify_all();
    }));
    return later();
  });
  std::string answered;
  run([&]() -> aio::task<> {
    EXPECT_TRUE(server_->listen("127.0.0.1", 0));
    aio::task_group group{executor(), [](const std::exception_ptr& e) { std::rethrow_exception(e); }};
    group.spawn(server_->run());
    group.spawn(ask_open_into(get("/wait"), answered));
    co_await until(asked_later_);
    server_->stop_accepting();
    co_await server_->finish(std::chrono::seconds{60});
    co_await group.join();
  });
  EXPECT_TRUE(gone);
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

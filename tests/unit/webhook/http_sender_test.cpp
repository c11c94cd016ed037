// SPDX-License-Identifier: Apache-2.0
// A local server that answers with bytes; TLS and whole receivers are in tests/contract.
#include "aio/task_group.hpp"
#include "support/loop.hpp"
#include "support/temp_directory.hpp"
#include "webhook/http_sender.hpp"

#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>

namespace kiln::webhook {
namespace {

namespace asio = aio::asio;
using tcp_socket = asio::basic_stream_socket<asio::ip::tcp, aio::executor_type>;
using tcp_acceptor = asio::basic_socket_acceptor<asio::ip::tcp, aio::executor_type>;

class http_sender_test : public tests::loop_test {
protected:
  http_sender_test() : acceptor_(executor(), {asio::ip::make_address("127.0.0.1"), 0}) {}

  std::unique_ptr<http_sender> make(const std::string& rule) {
    return *http_sender::make(executor(), {.targets = target_rules{{*parse_target_rule(rule)}},
                                           .ca_file = {},
                                           .deadline = deadline_,
                                           .user_agent = "kilnd/test"});
  }

  [[nodiscard]] std::string local() const {
    return fmt::format("127.0.0.1:{}", acceptor_.local_endpoint().port());
  }

  /// Takes one connection, keeps its request, answers, and waits for the other side to close.
  aio::task<> serve(std::string answer) {
    boost::system::error_code ec;
    auto socket = co_await acceptor_.async_accept(asio::redirect_error(aio::use_task, ec));
    if (ec)
      co_return;
    co_await asio::async_read_until(socket, asio::dynamic_buffer(asked_), "}",
                                    asio::redirect_error(aio::use_task, ec));
    co_await asio::async_write(socket, asio::buffer(answer), asio::redirect_error(aio::use_task, ec));
    char more = 0;
    co_await socket.async_read_some(asio::buffer(&more, 1), asio::redirect_error(aio::use_task, ec));
  }

  sent send(std::string rule, std::string url, std::string answer) {
    sent came;
    run([&]() -> aio::task<> {
      aio::task_group server{executor(), [](const std::exception_ptr& e) { std::rethrow_exception(e); }};
      server.spawn(serve(answer));
      {
        const auto sender = make(rule);
        letter what{.url = url, .fields = {}, .body = "{}"};
        what.fields = {{"webhook-id", "d1"}};
        came = co_await sender->send(std::move(what));
      }
      boost::system::error_code ignored;
      acceptor_.cancel(ignored);
      co_await server.join();
    });
    return came;
  }

  std::chrono::milliseconds deadline_{20'000};
  tcp_acceptor acceptor_;
  std::string asked_;
};

TEST_F(http_sender_test, posts_what_it_is_given) {
  const auto came = send(local(), "http://" + local() + "/a?b=c", "HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_EQ(came.status, 204);
  EXPECT_EQ(came.error, "");
  EXPECT_EQ(asked_, fmt::format("POST /a?b=c HTTP/1.1\r\nHost: {}\r\nUser-Agent: kilnd/test\r\nContent-Type: "
                                "application/json\r\nwebhook-id: d1\r\nContent-Length: 2\r\nConnection: "
                                "close\r\n\r\n{{}}",
                                local()));
}

TEST_F(http_sender_test, judges_by_the_status) {
  const auto answered = [&](const std::string& text) {
    return send(local(), "http://" + local() + "/", text);
  };
  EXPECT_EQ(answered("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe").error, "")
      << "the body does not matter";
  EXPECT_EQ(answered("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 201 "
                     "Created\r\n\r\n")
                .status,
            201);
  const auto busy = answered("HTTP/1.1 503 Busy\r\nRetry-After: 77\r\n\r\n");
  EXPECT_EQ(busy.status, 503);
  EXPECT_EQ(busy.retry_after, std::chrono::seconds{77});
  EXPECT_EQ(answered("HTTP/1.1 429 X\r\nRetry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\n\r\n").retry_after,
            std::nullopt);
  EXPECT_EQ(answered("HTTP/1.1 429 X\r\nRetry-After: -5\r\n\r\n").retry_after, std::nullopt);
  EXPECT_NE(answered("HTTP/1.1 301 X\r\nLocation: /b\r\n\r\n").error.find("redirects"), std::string::npos);
  const auto junk = answered("what?\r\n\r\n");
  EXPECT_EQ(junk.status, std::nullopt);
  EXPECT_NE(junk.error.find("is not HTTP"), std::string::npos);
  EXPECT_FALSE(answered("HTTP/1.1 200 OK\r\nX: " + std::string(40'000, 'x')).error.empty());
}

TEST_F(http_sender_test, connects_only_where_it_may) {
  const auto port = acceptor_.local_endpoint().port();
  EXPECT_NE(send("localhost", "http://localhost/", "").error.find("not public"), std::string::npos);
  EXPECT_NE(send("192.0.2.1", "http://" + local() + "/", "").error.find("--webhook-target"),
            std::string::npos);
  EXPECT_FALSE(send("no-such-host.invalid", "http://no-such-host.invalid/", "").error.empty());
  EXPECT_EQ(asked_, "");
  const auto mapped = fmt::format("http://[::ffff:127.0.0.1]:{}/", port);
  EXPECT_EQ(send(local(), mapped, "HTTP/1.1 200 OK\r\n\r\n").status, 200) << "it is the same address";
}

TEST_F(http_sender_test, ends_at_its_deadline) {
  deadline_ = std::chrono::milliseconds{50};
  EXPECT_EQ(send(local(), "http://" + local() + "/", "HTTP/1.1 200").error, "no answer within 50 ms");
}

TEST_F(http_sender_test, is_aborted) {
  run([&]() -> aio::task<> {
    aio::task_group group{executor(), [](const std::exception_ptr& e) { std::rethrow_exception(e); }};
    const auto sender = make(local());
    sent came;
    const auto ask = [&]() -> aio::task<> {
      letter what{.url = "http://" + local() + "/", .fields = {}, .body = "{}"};
      came = co_await sender->send(std::move(what));
    };
    const auto stop_it = [&]() -> aio::task<> {
      auto socket = co_await acceptor_.async_accept(aio::use_task);
      co_await asio::async_read_until(socket, asio::dynamic_buffer(asked_), "}", aio::use_task);
      sender->abort();
      char more = 0;
      boost::system::error_code ec;
      co_await socket.async_read_some(asio::buffer(&more, 1), asio::redirect_error(aio::use_task, ec));
    };
    group.spawn(stop_it());
    group.spawn(ask());
    co_await group.join();
    EXPECT_EQ(came.status, std::nullopt);
    EXPECT_FALSE(came.error.empty());
    letter late{.url = "http://" + local() + "/", .fields = {}, .body = "{}"};
    EXPECT_EQ((co_await sender->send(std::move(late))).error, "kilnd is stopping");
  });
}

TEST_F(http_sender_test, a_ca_file_must_hold_certificates) {
  const tests::temp_directory directory;
  const auto junk = directory.write("junk.pem", "-----BEGIN CERTIFICATE-----\nno\n");
  for (const auto& wrong : {junk, directory / "missing.pem"}) {
    const auto made =
        http_sender::make(executor(), {.targets = target_rules{{}}, .ca_file = wrong, .user_agent = {}});
    ASSERT_FALSE(made);
    EXPECT_NE(made.error().message.find("webhook_ca_file"), std::string::npos);
  }
}

} // namespace
} // namespace kiln::webhook

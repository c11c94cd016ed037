// SPDX-License-Identifier: Apache-2.0
// Real sockets on a real loop; what only time or many clients show is in tests/contract.
#include "aio/notification.hpp"
#include "http/server.hpp"
#include "support/loop.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>
#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>

#include <charconv>

#include <sys/mman.h>
#include <unistd.h>

namespace kiln::http {
namespace {

namespace asio = aio::asio;

class server_test : public tests::loop_test {
protected:
  server_test() : log_("test", std::make_shared<spdlog::sinks::null_sink_st>()), go_on_(executor()) {
    const auto page = [](int status, std::string_view detail, std::string_view) {
      return response{.status = status, .content_type = "text/plain", .body = std::string{detail}};
    };
    service_ = std::make_unique<service>(limits{}, std::vector<std::string>{"localhost"}, doors_, page, log_);
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

/// A file that is gone when it is closed.
std::shared_ptr<const aio::unique_descriptor> file_of(std::string_view text) {
  auto file = std::make_shared<const aio::unique_descriptor>(::memfd_create("test", MFD_CLOEXEC));
  EXPECT_EQ(::write(file->get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  return file;
}

TEST_F(server_test, a_part_of_a_file_is_the_body) {
  std::string text(3'000'000, 'a');
  for (std::size_t i = 0; i < text.size(); ++i)
    text[i] = static_cast<char>('a' + i % 23);
  service_->on("GET", "/file", access::role::none, [&](const request&) -> answer {
    return {response{.status = 206, .content_type = "text/plain", .body = {}},
            file_body{file_of(text), 5, 2'999'000}};
  });
  with_server([&]() -> aio::task<> {
    const auto answered =
        co_await ask(get("/file") + "HEAD /file HTTP/1.1\r\nHost: localhost\r\n\r\n" + get("/now/1"));
    const auto begin = answered.find("\r\n\r\n") + 4;
    EXPECT_NE(answered.substr(0, begin).find("Content-Length: 2999000\r\n"), std::string::npos);
    EXPECT_EQ(answered.substr(begin, 2'999'000), text.substr(5, 2'999'000));
    const auto behind = answered.substr(begin + 2'999'000);
    EXPECT_EQ(bodies(behind), ";1;") << "HEAD has a head alone";
    EXPECT_NE(behind.find("Content-Length: 2999000\r\n"), std::string::npos);
  });
}

TEST_F(server_test, a_file_that_became_shorter_cuts_the_answer) {
  service_->on("GET", "/file", access::role::none, [&](const request&) -> answer {
    return {response{.status = 200, .content_type = "text/plain", .body = {}},
            file_body{file_of("short"), 0, 100}};
  });
  with_server([&]() -> aio::task<> {
    const auto answered = co_await ask(get("/file") + get("/now/1"));
    EXPECT_TRUE(answered.ends_with("\r\n\r\nshort")) << "no other answer is taken for the rest of it";
  });
}

class count_down final : public body_stream {
public:
  explicit count_down(int from, bool breaks = false) : left_(from), breaks_(breaks) {}
  aio::task<std::string_view> next() override {
    if (breaks_ && left_ == 1)
      throw std::runtime_error("broken");
    text_ = left_ > 0 ? std::to_string(left_--) : "";
    co_return text_;
  }

private:
  int left_;
  bool breaks_;
  std::string text_;
};

TEST_F(server_test, a_body_is_made_while_it_is_sent) {
  service_->on("GET", "/stream", access::role::none, [&](const request&) -> answer {
    return {response{.status = 200, .content_type = "text/plain", .body = {}},
            std::make_shared<count_down>(11)};
  });
  with_server([&]() -> aio::task<> {
    EXPECT_EQ(bodies(co_await ask(get("/stream") + get("/now/1"))),
              "2\r\n11\r\n2\r\n10\r\n1\r\n9\r\n1\r\n8\r\n1\r\n7\r\n1\r\n6\r\n1\r\n5\r\n1\r\n4\r\n"
              "1\r\n3\r\n1\r\n2\r\n1\r\n1\r\n0\r\n\r\n;;1;");
    const auto old = co_await ask("GET /stream HTTP/1.0\r\n\r\n");
    EXPECT_TRUE(old.ends_with("\r\n\r\n1110987654321")) << old;
    EXPECT_EQ(old.find("Transfer-Encoding"), std::string::npos) << "HTTP/1.0 knows no chunks";
  });
}

TEST_F(server_test, a_body_that_cannot_be_made_to_its_end_is_seen_to_be_cut) {
  service_->on("GET", "/stream", access::role::none, [&](const request&) -> answer {
    return {response{.status = 200, .content_type = "text/plain", .body = {}},
            std::make_shared<count_down>(2, true)};
  });
  with_server([&]() -> aio::task<> {
    const auto answered = co_await ask(get("/stream") + get("/now/1"));
    EXPECT_TRUE(answered.ends_with("1\r\n2\r\n")) << answered;
  });
}

aio::task<answer> count_bytes(body_reader& body) {
  std::uint64_t bytes = 0;
  for (;;) {
    const auto part = co_await body.read();
    if (!part)
      co_return response{.status = 400, .content_type = "text/plain", .body = part.error().message};
    if (part->empty())
      break;
    bytes += part->size();
  }
  co_return response{.status = 200,
                     .content_type = "text/plain",
                     .body = std::to_string(bytes) + " of " + std::to_string(body.length().value_or(0))};
}

TEST_F(server_test, large_bodies_are_handled_while_they_come) {
  service_->on_stream("POST", "/count", access::role::none,
                      [](const request&, body_reader& body) { return count_bytes(body); });
  with_server([&]() -> aio::task<> {
    const std::string large(5'000'000, 'x');
    const std::string head = "POST /count HTTP/1.1\r\nHost: localhost\r\n";
    EXPECT_EQ(bodies(co_await ask(head + "Content-Length: 5000000\r\n\r\n" + large + get("/now/1"))),
              "5000000 of 5000000;1;");
    EXPECT_EQ(bodies(co_await ask(head + "Transfer-Encoding: chunked\r\n\r\n4c4b40\r\n" + large +
                                  "\r\n0\r\n\r\n" + get("/now/1"))),
              "5000000 of 0;1;");
    EXPECT_EQ(bodies(co_await ask(head + "Content-Length: 0\r\n\r\n" + get("/now/1"))), "0 of 0;1;");
    const auto cut = co_await ask(head + "Content-Length: 5000000\r\n\r\n" + large.substr(1));
    EXPECT_TRUE(cut.starts_with("HTTP/1.1 408 ")) << cut;
    const auto broken =
        co_await ask(head + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello!\r\n" + get("/now/1"));
    EXPECT_TRUE(broken.starts_with("HTTP/1.1 400 ")) << broken;
    EXPECT_EQ(broken.find("HTTP/1.1 200"), std::string::npos) << "nothing behind a broken body is a request";
  });
}

TEST_F(server_test, who_asks_before_sending_is_told_when_the_body_is_read) {
  service_->on_stream("POST", "/count", access::role::none,
                      [](const request&, body_reader& body) { return count_bytes(body); });
  service_->on_stream("POST", "/no", access::role::none,
                      [](const request&, body_reader&) -> aio::task<answer> {
                        co_return response{.status = 403, .content_type = {}, .body = "no"};
                      });
  with_server([&]() -> aio::task<> {
    for (const char* path : {"/count", "/no", "/nothing"}) {
      auto socket = co_await connect();
      const auto head = fmt::format(
          "POST {} HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n", path);
      co_await asio::async_write(socket, asio::buffer(head), aio::use_task);
      std::string got(200, ' ');
      got.resize(co_await socket.async_read_some(asio::buffer(got), aio::use_task));
      const std::string_view wanted = path == std::string_view{"/count"} ? "HTTP/1.1 100 Continue\r\n\r\n"
                                      : path == std::string_view{"/no"}  ? "HTTP/1.1 403 "
                                                                         : "HTTP/1.1 404 ";
      EXPECT_TRUE(got.starts_with(wanted)) << path << got;
    }
  });
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

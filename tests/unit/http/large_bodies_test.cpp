// SPDX-License-Identifier: Apache-2.0
// Bodies that are no text in memory: parts of files, streams, uploads.
#include "http/file_part.hpp"
#include "support/temp_directory.hpp"
#include "unit/http/server_fixture.hpp"

#include <fmt/format.h>

#include <future>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace kiln::http {
namespace {

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

TEST_F(server_test, a_disk_that_does_not_answer_holds_up_its_client_alone) {
  const std::string text(300'000, 'x');
  // For a file system that does not report which parts are in memory, such as network file systems. (A file
  // on a disk is in memory soon after it was asked for.)
  const auto file = file_of(text);
  if (is_in_memory(file->get(), 0, text.size()))
    GTEST_SKIP() << "this kernel tells what is in memory of a file without a disk";
  const auto serve = [&](const request&) -> answer {
    return {response{.status = 200, .content_type = "text/plain", .body = {}},
            file_body{file, 0, text.size()}};
  };
  service_->on("GET", "/file", access::role::none, serve);
  std::promise<bool> disk;
  std::string answered;
  bool is_blocked = false;
  with_server([&]() -> aio::task<> {
    aio::task_group group{executor(), [](const std::exception_ptr& e) { std::rethrow_exception(e); }};
    group.spawn(hold_pool(disk.get_future(), is_blocked));
    group.spawn(ask_into(get("/file"), answered));
    for (int i = 0; i < 50; ++i) {
      const auto other = co_await ask(get("/now/1"));
      EXPECT_EQ(bodies(other), "1;");
    }
    EXPECT_TRUE(is_blocked);
    EXPECT_EQ(answered, "") << "it was read by the loop";
    disk.set_value(true);
    co_await group.join();
  });
  EXPECT_EQ(bodies(answered), text + ";");
}

TEST_F(server_test, what_is_in_memory_is_sent_though_the_disk_does_not_answer) {
  const tests::temp_directory dir;
  const std::string text(300'000, 'x');
  const auto path = dir.write("warm", text);
  const auto file =
      std::make_shared<const aio::unique_descriptor>(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!is_in_memory(file->get(), 0, text.size()))
    GTEST_SKIP() << "this file system does not tell what is in memory";
  const auto serve = [&](const request&) -> answer {
    return {response{.status = 200, .content_type = "text/plain", .body = {}},
            file_body{file, 0, text.size()}};
  };
  service_->on("GET", "/file", access::role::none, serve);
  std::promise<bool> disk;
  bool is_blocked = false;
  with_server([&]() -> aio::task<> {
    aio::task_group group{executor(), [](const std::exception_ptr& e) { std::rethrow_exception(e); }};
    group.spawn(hold_pool(disk.get_future(), is_blocked));
    const auto answered = co_await ask(get("/file"));
    EXPECT_EQ(bodies(answered), text + ";");
    EXPECT_TRUE(is_blocked);
    disk.set_value(true);
    co_await group.join();
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

} // namespace
} // namespace kiln::http

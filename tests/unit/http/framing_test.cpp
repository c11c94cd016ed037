// SPDX-License-Identifier: Apache-2.0
#include "http/framing.hpp"

#include <gtest/gtest.h>

#include <string>

namespace kiln::http {
namespace {

using namespace std::string_literals;

int status(const std::string& head, head_limits limits = {}) {
  const auto bad = check_head(head, limits);
  return bad ? bad->status : 0;
}

std::string with(const std::string& fields, const std::string& line = "POST /job HTTP/1.1") {
  return line + "\r\nHost: localhost\r\n" + fields + "\r\n";
}

TEST(check_head, what_is_fine) {
  EXPECT_EQ(status("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), 0);
  EXPECT_EQ(status("GET /a?b=c%20d HTTP/1.0\r\n\r\n"), 0) << "HTTP/1.0 needs no Host";
  EXPECT_EQ(status("OPTIONS * HTTP/1.1\r\nHost: [::1]:3000\r\n\r\n"), 0);
  EXPECT_EQ(status(with("Content-Length: 5\r\n")), 0);
  EXPECT_EQ(status(with("content-length:5\r\n")), 0);
  EXPECT_EQ(status(with("Transfer-Encoding: Chunked \r\n")), 0);
  EXPECT_EQ(status(with("X: \xc3\xa4 tab\there\r\nY:\r\n")), 0);
}

TEST(check_head, request_lines) {
  for (const char* line : {"",
                           "GET",
                           "GET /",
                           "GET / ",
                           " GET / HTTP/1.1",
                           "GET  / HTTP/1.1",
                           "GET /  HTTP/1.1",
                           "GET\t/ HTTP/1.1",
                           "GET / HTTP/1.1 ",
                           "GET / http/1.1",
                           "GET / HTTP/1",
                           "GET / HTTP/11",
                           "GET / HTTP/1.x",
                           "GET / HTTPS/1.1",
                           "G(T / HTTP/1.1",
                           "GET / x HTTP/1.1",
                           "GET a HTTP/1.1",
                           "GET * HTTP/1.1",
                           "GET http://other/ HTTP/1.1",
                           "GET http://localhost:80/ HTTP/1.1",
                           "GET http://a@localhost/ HTTP/1.1",
                           "GET http:///x HTTP/1.1",
                           "GET http:/x HTTP/1.1",
                           "GET http://localhost#x HTTP/1.1",
                           "GET http://localhost\\x HTTP/1.1",
                           "GET ftp://localhost/ HTTP/1.1",
                           "GET /#a HTTP/1.1",
                           "GET /\x7f HTTP/1.1",
                           "GET /\xc3\xa4 HTTP/1.1",
                           "OPTIONS ** HTTP/1.1"})
    EXPECT_EQ(status(with("", line)), 400) << line;
  for (const char* line : {"GET / HTTP/2.0", "GET / HTTP/0.9", "GET / HTTP/1.2", "GET / HTTP/3.0"})
    EXPECT_EQ(status(with("", line)), 505) << line;
  for (const char* line :
       {"get / HTTP/1.1", "CONNECT a:1 HTTP/1.1", "TRACE / HTTP/1.1", "BREW /pot HTTP/1.1"})
    EXPECT_EQ(status(with("", line)), 501) << line;
}

TEST(check_head, fields) {
  for (const char* field : {" folded", "\tfolded", "no colon", ": no name", "X : a", "X\t: a", "X y: a",
                            "X\x01: a", "X: a\x01", "X: a\x7f", "X: a\rb", "X(: a", "\xc3\xa4: a"})
    EXPECT_EQ(status(with(field + "\r\n"s)), 400) << field;
  EXPECT_EQ(status(with("X: a\0b\r\n"s)), 400);
  EXPECT_EQ(status(with("\0: a\r\n"s)), 400);
  EXPECT_EQ(status(with("X: a\r\n\r\nGET / HTTP/1.1\r\n")), 400) << "the head ends at the first empty line";
}

TEST(check_head, one_host_only) {
  EXPECT_EQ(status("GET / HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(status(with("Host: localhost\r\n")), 400);
  EXPECT_EQ(status(with("hOST: other\r\n")), 400);
  for (const char* host : {"",          "a b",     "a,b",   "a/b", "a@b",  "<a>",    "a\tb",    ":80",
                           "a:b",       "a:80:80", "a:-1",  "::1", "[::1", "[::1]x", "[::1]:x", "[[::1]]",
                           "[::1]:80]", "[]",      "[a.b]", "a%",  "a%2",  "a%zz"})
    EXPECT_EQ(status("GET / HTTP/1.1\r\nHost: "s + host + "\r\n\r\n"), 400) << host;
  for (const char* host :
       {"a", "A-b_c.d", "a:", "a:80", "127.0.0.1:1", "[::1]", "[::FFFF:1.2.3.4]:80", "a%2d"})
    EXPECT_EQ(status("GET / HTTP/1.1\r\nHost: "s + host + "\r\n\r\n"), 0) << host;
}

TEST(check_head, the_whole_uri_may_be_asked_for_when_it_names_the_host) {
  EXPECT_EQ(status(with("", "GET http://localhost/a HTTP/1.1")), 0);
  EXPECT_EQ(status(with("", "GET HTTPS://LocalHost?a HTTP/1.1")), 0);
  EXPECT_EQ(status("GET http://[::1]:80/ HTTP/1.1\r\nHost: [::1]:80\r\n\r\n"), 0);
  EXPECT_EQ(status("GET http://localhost/ HTTP/1.0\r\n\r\n"), 0);
  EXPECT_EQ(status("GET http://localhost/ HTTP/1.1\r\n\r\n"), 400) << "Host is asked for all the same";
}

TEST(split_target, forms) {
  const auto expect = [](std::string_view target, std::string_view authority, std::string_view path,
                         std::string_view query) {
    const auto parts = split_target(target);
    EXPECT_EQ(parts.authority, authority) << target;
    EXPECT_EQ(parts.path, path) << target;
    EXPECT_EQ(parts.query, query) << target;
  };
  expect("/", "", "/", "");
  expect("/a/b?c=d?e", "", "/a/b", "c=d?e");
  expect("/a?", "", "/a", "");
  expect("//a/b", "", "//a/b", "");
  expect("/a?u=http://b/c", "", "/a", "u=http://b/c");
  expect("*", "", "*", "");
  expect("", "", "", "");
  expect("?a", "", "", "a");
  expect("http://a", "a", "/", "");
  expect("http://a:80/b?c", "a:80", "/b", "c");
  expect("hTTps://[::1]?c/d", "[::1]", "/", "c/d");
  expect("http://", "", "", "");
  expect("http://a@b/", "", "", "");
}

TEST(is_field_value, forms) {
  EXPECT_TRUE(is_field_value(""));
  EXPECT_TRUE(is_field_value(";a=\"b c\"\t\x80\xff"));
  for (const char c : {'\0', '\1', '\n', '\r', '\x1f', '\x7f'})
    EXPECT_FALSE(is_field_value(std::string{"a"} + c));
}

TEST(check_head, one_length_and_never_two_framings) {
  for (const char* fields : {"Content-Length: 5\r\nContent-Length: 5\r\n",
                             "Content-Length: 5\r\nContent-Length: 6\r\n",
                             "Content-Length: 5, 5\r\n",
                             "Content-Length: +5\r\n",
                             "Content-Length: -5\r\n",
                             "Content-Length: 0x5\r\n",
                             "Content-Length: 5 5\r\n",
                             "Content-Length: 5.0\r\n",
                             "Content-Length:\r\n",
                             "Content-Length: \r\n",
                             "Content-Length: 1e3\r\n",
                             "Content-Length: 99999999999999999999\r\n",
                             "Content-Length: 5;\r\n",
                             "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
                             "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
                             "Transfer-Encoding: gzip\r\n",
                             "Transfer-Encoding: gzip, chunked\r\n",
                             "Transfer-Encoding: chunked, chunked\r\n",
                             "Transfer-Encoding: chunked, gzip\r\n",
                             "Transfer-Encoding: xchunked\r\n",
                             "Transfer-Encoding: chunked;q=1\r\n",
                             "Transfer-Encoding: identity\r\n",
                             "Transfer-Encoding: \"chunked\"\r\n",
                             "Transfer-Encoding: ,chunked\r\n",
                             "Transfer-Encoding:\r\n",
                             "Transfer-Encoding: chunked\r\ntransfer-encoding: chunked\r\n",
                             "Transfer-Encoding: \x0b"
                             "chunked\r\n",
                             "Transfer-Encoding: gzip\r\nContent-Length: 5\r\n"})
    EXPECT_EQ(status(with(fields)), 400) << fields;
  EXPECT_EQ(status(with("Transfer-Encoding: chunked\r\n", "POST / HTTP/1.0")), 400);
}

TEST(check_head, limits) {
  const head_limits limits{.header_bytes = 400, .target_bytes = 100, .fields = 3};
  EXPECT_EQ(status(with("", "GET /" + std::string(99, 'x') + " HTTP/1.1"), limits), 0);
  EXPECT_EQ(status(with("", "GET /" + std::string(100, 'x') + " HTTP/1.1"), limits), 414);
  EXPECT_EQ(status(with("", "GET /" + std::string(900, 'x') + " HTTP/1.1"), limits), 414);
  EXPECT_EQ(status(with("X: " + std::string(400, 'x') + "\r\n"), limits), 431);
  EXPECT_EQ(status(with("A: 1\r\nB: 2\r\n"), limits), 0);
  EXPECT_EQ(status(with("A: 1\r\nB: 2\r\nC: 3\r\n"), limits), 431);
}

TEST(head_scanner, finds_the_end_however_the_bytes_come) {
  const auto head = with("A: 1\r\n");
  const auto bytes = head + "body\r\n\r\n";
  for (std::size_t first = 0; first <= bytes.size(); ++first) {
    head_scanner scanner;
    auto end = scanner.find_end(bytes.substr(0, first));
    if (!end)
      end = scanner.find_end(bytes);
    EXPECT_EQ(end, head.size()) << first;
  }
}

TEST(head_scanner, refuses_early_what_will_never_do) {
  for (const char* bytes : {"GET / HTTP/1.1\nHost: a\n\n", "\n", "GET / HTTP/1.1\r\nHost: a\n"}) {
    head_scanner scanner;
    EXPECT_FALSE(scanner.find_end(bytes));
    ASSERT_TRUE(scanner.check(bytes, {})) << bytes;
    EXPECT_EQ(scanner.check(bytes, {})->status, 400);
  }
  const head_limits limits{.header_bytes = 100, .target_bytes = 50, .fields = 10};
  head_scanner scanner;
  EXPECT_FALSE(scanner.find_end(std::string(101, 'x')));
  EXPECT_EQ(scanner.check(std::string(101, 'x'), limits)->status, 414);
  const auto long_field = "GET / HTTP/1.1\r\nX: " + std::string(100, 'x');
  head_scanner other;
  EXPECT_FALSE(other.find_end(long_field));
  EXPECT_EQ(other.check(long_field, limits)->status, 431);
}

TEST(head_scanner, one_empty_line_in_front_is_forgiven) {
  head_scanner scanner;
  EXPECT_EQ(scanner.find_end("\r\nGET / HTTP/1.1\r\n\r\n"), 20U);
  head_scanner other;
  EXPECT_EQ(other.find_end("\r\n\r\nGET"), 4U) << "two are a broken request";
  EXPECT_EQ(status("\r\n"), 400);
}

TEST(host_without_port, forms) {
  EXPECT_EQ(host_without_port("localhost"), "localhost");
  EXPECT_EQ(host_without_port("localhost:3000"), "localhost");
  EXPECT_EQ(host_without_port("[::1]:3000"), "[::1]");
  EXPECT_EQ(host_without_port("[::1]"), "[::1]");
  EXPECT_EQ(host_without_port("[::1"), "");
  EXPECT_EQ(host_without_port(""), "");
}

} // namespace
} // namespace kiln::http

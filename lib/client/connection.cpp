// SPDX-License-Identifier: Apache-2.0
#include "client/connection.hpp"

#include "aio/asio_address.hpp"
#include "aio/name_lookup.hpp"
#include "aio/tls_client.hpp"
#include "client/exit_status.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include <unistd.h>

namespace kiln::client {

namespace asio = aio::asio;
namespace ssl = asio::ssl;
namespace beast_http = boost::beast::http;
using boost::system::error_code;
using tcp_socket = asio::basic_stream_socket<asio::ip::tcp, aio::executor_type>;

namespace {

constexpr std::chrono::seconds connect_time{15};
constexpr std::chrono::seconds silence{60};        // without a byte in either direction
constexpr std::chrono::seconds longest_thought{1}; // of a server that does not say whether it wants a body
constexpr std::uint64_t asked_about = 1024 * 1024; // from here on, a body is sent once the server wants it
constexpr std::size_t piece_size = 256 * 1024;
constexpr std::size_t longest_header = 64 * 1024;
constexpr std::uint64_t longest_text = 256 * 1024 * 1024; // of an answer that is kept in memory

std::string head_of(const request& what, const server& to, const std::string& user_agent, bool asks_first) {
  std::string out;
  auto at = std::back_inserter(out);
  fmt::format_to(at, "{} {}{} HTTP/1.1\r\nHost: {}\r\nUser-Agent: {}\r\n", what.method, to.prefix, what.path,
                 to.url.host_field, user_agent);
  if (!to.token.empty())
    fmt::format_to(at, "Authorization: Bearer {}\r\n", to.token);
  for (const auto& [name, value] : what.fields)
    fmt::format_to(at, "{}: {}\r\n", name, value);
  const auto size = what.file >= 0 ? what.file_size : what.body.size();
  if (size > 0 || what.method != "GET")
    fmt::format_to(at, "Content-Length: {}\r\n", size);
  if (asks_first)
    out += "Expect: 100-continue\r\n";
  return out + "\r\n";
}

answer head_of(const beast_http::response_header<>& from) {
  answer out{.status = static_cast<int>(from.result_int())};
  for (const auto& field : from) {
    auto name = lower_case(std::string_view{field.name_string()});
    out.fields.emplace_back(std::move(name), std::string_view{field.value()});
  }
  return out;
}

using answer_parser = beast_http::response_parser<beast_http::buffer_body>;

/// Reads the header of the answer that counts: those of 1xx come before it (RFC 9110, section 15.2). With
/// `up_to_continue` also ends, without a parser, at 100. May be repeated after it was canceled.
template<class Stream>
aio::task<error_code> read_header(Stream& from, boost::beast::flat_buffer& in,
                                  std::optional<answer_parser>& into, bool is_head, bool up_to_continue) {
  constexpr unsigned go_on = 100;
  for (;;) {
    if (!into) {
      into.emplace();
      into->header_limit(longest_header);
      into->body_limit(boost::none);
      into->skip(is_head);
    }
    error_code ec;
    co_await beast_http::async_read_header(from, in, *into, asio::redirect_error(aio::use_task, ec));
    const auto status = ec ? 0 : into->get().result_int();
    if (ec || status / 100 != 1)
      co_return ec;
    into.reset();
    if (status == go_on && up_to_continue)
      co_return ec;
  }
}

} // namespace

/// Closed by its timer when nothing moves for too long.
struct connection::link : std::enable_shared_from_this<link> {
  explicit link(aio::executor_type loop) : socket(loop), over(loop) {}

  void allow(std::chrono::seconds time) {
    over.expires_after(time);
    over.async_wait([self = shared_from_this()](const error_code& ec) {
      if (!ec) {
        self->is_late = true;
        self->close();
      }
    });
  }

  /// Reading ends with operation_aborted if it takes longer, unless is_asking is false by then.
  void read_at_most(std::chrono::seconds time) {
    is_asking = true;
    over.expires_after(time);
    over.async_wait([self = shared_from_this()](const error_code& ec) {
      error_code ignored;
      if (!ec && self->is_asking)
        self->socket.cancel(ignored);
    });
  }

  void close() {
    error_code ignored;
    socket.close(ignored);
  }

  tcp_socket socket;
  aio::timer over;
  std::unique_ptr<ssl::context> tls;
  std::unique_ptr<ssl::stream<tcp_socket&>> secure; ///< null: plain
  boost::beast::flat_buffer in{longest_header + piece_size};
  bool is_late = false;
  bool is_used = false;      ///< an exchange has succeeded: the server may close it at any time
  bool is_asking = false;    ///< whether the server wants the body
  bool is_answering = false; ///< the header of the present answer has been read
};

connection::connection(aio::executor_type loop, server to, std::string user_agent, opener open)
    : loop_(loop), server_(std::move(to)), user_agent_(std::move(user_agent)), open_(std::move(open)) {}

connection::~connection() {
  if (link_)
    link_->over.cancel();
}

aio::task<result<void>> connection::connect() {
  if (open_) {
    auto opened = open_();
    if (!opened)
      co_return opened.error();
    link_ = std::make_shared<link>(loop_);
    error_code wrong;
    link_->socket.assign(asio::ip::tcp::v4(), opened->release(), wrong); // a stream is read and written alike
    if (wrong)
      co_return error{wrong, "the connection to kilnd cannot be used: " + wrong.message()};
    co_return result<void>{};
  }
  const auto& url = server_.url;
  const auto not_reached = [&](const std::string& why) {
    return failure(exit_status::not_reached, fmt::format("no connection to {}: {}", server_.text, why));
  };
  std::vector<asio::ip::address> addresses;
  if (url.literal) {
    addresses.push_back(aio::to_asio(*url.literal));
  } else {
    auto found = aio::look_up(url.host); // blocks: the program has nothing else to do
    if (!found)
      co_return not_reached(found.error().message);
    addresses = std::move(*found);
  }
  std::vector<asio::ip::tcp::endpoint> endpoints;
  for (const auto& one : addresses)
    endpoints.emplace_back(one, url.port);
  auto made = std::make_shared<link>(loop_);
  made->allow(connect_time);
  error_code ec;
  co_await asio::async_connect(made->socket, endpoints, asio::redirect_error(aio::use_task, ec));
  std::string why = ec ? ec.message() : std::string{};
  if (!ec && url.tls) {
    auto tls = aio::make_tls_client({});
    if (!tls)
      co_return tls.error();
    made->tls = std::make_unique<ssl::context>(std::move(*tls));
    made->secure = std::make_unique<ssl::stream<tcp_socket&>>(made->socket, *made->tls);
    aio::expect_host(*made->secure, url.host, url.literal.has_value());
    co_await made->secure->async_handshake(ssl::stream_base::client, asio::redirect_error(aio::use_task, ec));
    if (ec)
      why = aio::tls_failure(made->secure->native_handle(), ec);
  }
  made->over.cancel();
  if (made->is_late)
    why = fmt::format("it did not answer within {} s", connect_time.count());
  if (!why.empty())
    co_return not_reached(why);
  error_code ignored;
  made->socket.set_option(asio::ip::tcp::no_delay{true}, ignored);
  link_ = std::move(made);
  co_return result<void>{};
}

template<class Stream>
aio::task<result<answer>> connection::exchange_over(Stream& over, const request& what,
                                                    const body_sink& sink) {
  const auto mine = link_;
  const auto lost = [&](const error_code& ec) {
    return failure(exit_status::not_reached,
                   mine->is_late ? fmt::format("{} has not answered for too long", server_.text)
                                 : fmt::format("the connection to {} broke: {}", server_.text, ec.message()));
  };
  error_code ec;
  mine->is_answering = false;
  const bool is_head = what.method == "HEAD";
  const bool asks_first = asks_first_ && what.file >= 0 && what.file_size >= asked_about;
  const auto text = head_of(what, server_, user_agent_, asks_first) + what.body;
  mine->allow(silence);
  co_await asio::async_write(over, asio::buffer(text), asio::redirect_error(aio::use_task, ec));
  if (ec)
    co_return lost(ec);
  std::optional<answer_parser> parser;
  if (asks_first) {
    mine->read_at_most(longest_thought);
    ec = co_await read_header(over, mine->in, parser, is_head, true);
    mine->is_asking = false;
    if (ec && ec != asio::error::operation_aborted)
      co_return lost(ec);
  }
  const bool is_refused = asks_first && !ec && parser;
  std::string piece(what.file >= 0 || sink ? piece_size : piece_size / 8, '\0');
  error_code write_error; // a server that refuses an upload answers, and closes
  for (std::uint64_t sent = 0; what.file >= 0 && !is_refused && sent < what.file_size && !write_error;) {
    const auto got =
        ::pread(what.file, piece.data(), std::min<std::uint64_t>(piece.size(), what.file_size - sent),
                static_cast<off_t>(sent));
    if (got <= 0)
      co_return failure(exit_status::usage, "the file cannot be read to its end");
    const auto part = asio::buffer(piece.data(), static_cast<std::size_t>(got));
    mine->allow(silence);
    co_await asio::async_write(over, part, asio::redirect_error(aio::use_task, write_error));
    sent += static_cast<std::uint64_t>(got);
  }
  mine->allow(silence + what.held_for);
  if (!is_refused)
    ec = co_await read_header(over, mine->in, parser, is_head, false);
  if (ec)
    co_return lost(write_error ? write_error : ec);
  mine->is_answering = true;
  auto out = head_of(parser->get().base());
  const bool to_sink = sink && out.status / 100 == 2;
  if (to_sink)
    if (auto begun = sink.begin(out); !begun)
      co_return begun.error();
  while (!parser->is_done()) {
    auto& body = parser->get().body();
    body.data = piece.data();
    body.size = piece.size();
    mine->allow(silence + what.held_for);
    co_await beast_http::async_read_some(over, mine->in, *parser, asio::redirect_error(aio::use_task, ec));
    if (ec && ec != beast_http::error::need_buffer)
      co_return lost(ec);
    const std::string_view read{piece.data(), piece.size() - body.size};
    if (to_sink && !read.empty()) {
      if (auto taken = sink.add(read); !taken)
        co_return taken.error();
    } else if (!to_sink) {
      out.body += read;
      if (out.body.size() > longest_text)
        co_return failure(exit_status::refused, fmt::format("the answer of {} is too long", server_.text));
    }
  }
  mine->over.cancel();
  mine->is_used = true;
  if (!parser->keep_alive() || write_error || is_refused)
    link_.reset();
  co_return out;
}

aio::task<result<answer>> connection::exchange_once(const request& what, const body_sink& sink) {
  if (!link_) {
    auto made = co_await connect();
    if (!made)
      co_return made.error();
  }
  const auto mine = link_;
  result<answer> got = error{};
  if (mine->secure)
    got = co_await exchange_over(*mine->secure, what, sink);
  else
    got = co_await exchange_over(mine->socket, what, sink);
  if (!got) {
    mine->over.cancel();
    mine->close();
    link_.reset();
  }
  co_return got;
}

aio::task<result<answer>> connection::exchange(const request& what, const body_sink& sink) {
  const auto before = link_;
  auto got = co_await exchange_once(what, sink);
  // The server has closed an idle connection: once more, on a new one. Each request of kiln can be repeated.
  const bool was_closed = before && before->is_used && !before->is_answering && !before->is_late;
  if (!got && was_closed && status_of(got.error()) == exit_status::not_reached)
    got = co_await exchange_once(what, sink);
  constexpr int expectation_failed = 417;
  if (got && got->status == expectation_failed && std::exchange(asks_first_, false))
    got = co_await exchange_once(what, sink);
  co_return got;
}

} // namespace kiln::client

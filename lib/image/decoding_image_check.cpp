// SPDX-License-Identifier: Apache-2.0
#include "image/decoding_image_check.hpp"

#include "image/image_answer.hpp"
#include "image/open_image.hpp"

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>

#include <cerrno>
#include <cstring>
#include <optional>

#include <sys/socket.h>

namespace kiln::image {
namespace {

using aio::asio::posix::descriptor_base;
using socket_descriptor = aio::asio::posix::basic_stream_descriptor<aio::executor_type>;

/// False when nobody is at the other end.
bool send_descriptor(int socket, int fd) {
  char byte = 0;
  iovec data{.iov_base = &byte, .iov_len = 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  auto* attached = CMSG_FIRSTHDR(&message);
  attached->cmsg_level = SOL_SOCKET;
  attached->cmsg_type = SCM_RIGHTS;
  attached->cmsg_len = CMSG_LEN(sizeof fd);
  std::memcpy(CMSG_DATA(attached), &fd, sizeof fd);
  // One request is under way at most: the socket has room.
  return ::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == 1;
}

error stopping() {
  return {errc::unavailable, "images are no longer checked: Kiln is stopping"};
}

} // namespace

/// One decoder, from its start to its end. Shared with the coroutine that waits for its end.
struct decoding_image_check::session {
  session(aio::executor_type loop, std::unique_ptr<decoder_process> p, int fd)
      : process(std::move(p)), socket(loop, fd), deadline(loop), ended(loop) {}

  std::unique_ptr<decoder_process> process;
  socket_descriptor socket;
  aio::timer deadline;
  bool owes_datagram = false;
  bool is_late = false;
  std::optional<std::string> end; ///< how it ended
  aio::notification ended;

  /// The next datagram; nothing when the decoder is gone, or when it was late and had to be killed.
  static aio::task<std::optional<std::string>> receive(std::shared_ptr<session> s,
                                                       std::chrono::milliseconds limit);
  void retire() {
    deadline.cancel();
    if (!end)
      process->kill();
    boost::system::error_code ignored;
    socket.close(ignored);
  }
};

aio::task<std::optional<std::string>>
decoding_image_check::session::receive(std::shared_ptr<session> s, std::chrono::milliseconds limit) {
  s->owes_datagram = true;
  s->deadline.expires_after(limit);
  s->deadline.async_wait([s](boost::system::error_code ec) {
    // It may have expired, and be on its way here, when the datagram comes and another is asked for.
    if (!ec && s->owes_datagram && !s->end && s->deadline.expiry() <= aio::clock::now()) {
      s->is_late = true;
      s->process->kill(); // which ends the wait below
    }
  });
  std::string datagram(max_answer + 1, '\0');
  for (;;) {
    boost::system::error_code ec;
    co_await s->socket.async_wait(descriptor_base::wait_read, aio::asio::redirect_error(aio::use_task, ec));
    if (ec)
      break;
    const auto got = ::recv(s->socket.native_handle(), datagram.data(), datagram.size(), MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
      continue;
    s->deadline.cancel();
    if (got <= 0 || s->is_late)
      break;
    datagram.resize(static_cast<std::size_t>(got));
    s->owes_datagram = false;
    co_return datagram;
  }
  s->deadline.cancel();
  co_return std::nullopt;
}

/// A place in the queue: given up when the coroutine that holds it ends, in whatever way.
class decoding_image_check::turn {
public:
  explicit turn(decoding_image_check& of) : of_(of), number_(++of.last_turn_) {
    of_.waiting_.push_back(number_);
  }
  turn(const turn&) = delete;
  turn& operator=(const turn&) = delete;
  ~turn() {
    // Cancelled in between: the answer would be taken for that to the next request.
    if (of_.session_ && has_come() && of_.session_->owes_datagram)
      of_.drop_session();
    std::erase(of_.waiting_, number_);
    of_.turn_over_.notify_all();
  }

  [[nodiscard]] bool has_come() const { return of_.waiting_.front() == number_; }

private:
  decoding_image_check& of_;
  std::uint64_t number_;
};

decoding_image_check::decoding_image_check(aio::executor_type loop, aio::blocking_pool& pool, starter start,
                                           std::chrono::milliseconds limit)
    : loop_(loop), pool_(pool), start_(std::move(start)), limit_(limit), turn_over_(loop),
      watches_(loop, [](std::exception_ptr e) { std::rethrow_exception(e); }) {}

decoding_image_check::~decoding_image_check() = default;

aio::task<result<image_facts>> decoding_image_check::check(std::filesystem::path file) {
  const auto open_here = [file = std::move(file)] { return open_image(file); };
  const auto opened = co_await pool_.run(open_here);
  if (!opened)
    co_return opened.error();
  const turn mine{*this};
  while (!mine.has_come())
    co_await turn_over_.wait();
  co_return co_await decode(opened->get());
}

aio::task<> decoding_image_check::watch(std::shared_ptr<session> s) {
  s->end = co_await s->process->wait();
  s->ended.notify_all();
}

/// Makes sure of a decoder that has greeted. One that dies before that is tried once more.
aio::task<result<void>> decoding_image_check::make_ready() {
  std::string why;
  for (int attempt = 0; attempt < 2 && !closed_ && !session_; ++attempt) {
    int pair[2] = {-1, -1};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
      co_return system_error(errno, "make a socket for the image decoder");
    aio::unique_descriptor ours{pair[0]};
    std::optional<aio::unique_descriptor> theirs{std::in_place, pair[1]};
    auto started = start_(theirs->get());
    theirs.reset(); // so that the decoder's end is the end of the socket
    if (!started)
      co_return error{errc::unavailable, "the image decoder cannot be started: " + started.error().message};
    const auto s = std::make_shared<session>(loop_, std::move(*started), ours.release());
    watches_.spawn(watch(s));
    session_ = s;
    const auto greeting = co_await session::receive(s, limit_);
    if (greeting == decoder_greeting)
      break;
    s->retire();
    while (!s->end)
      co_await s->ended.wait();
    session_.reset();
    why = greeting ? "says what it should not" : s->is_late ? "says nothing" : *s->end;
  }
  if (closed_)
    co_return stopping();
  if (!session_)
    co_return error{errc::unavailable, "the image decoder does not start: it " + why};
  co_return result<void>{};
}

aio::task<result<image_facts>> decoding_image_check::decode(int fd) {
  // A decoder that died while it was idle is no fault of this image.
  for (bool sent = false; !sent;) {
    if (const auto ready = co_await make_ready(); !ready)
      co_return ready.error();
    sent = send_descriptor(session_->socket.native_handle(), fd);
    if (!sent)
      drop_session();
  }
  const auto s = session_;
  const auto answer = co_await session::receive(s, limit_);
  if (answer) {
    auto facts = parse_image_answer(*answer);
    if (facts || facts.error().code == errc::corrupt)
      co_return facts;
    drop_session(); // an image may have taken it over
    co_return error{errc::corrupt, facts.error().message};
  }
  while (!s->end)
    co_await s->ended.wait();
  drop_session();
  if (closed_)
    co_return stopping();
  if (s->is_late)
    co_return error{errc::corrupt, "took longer than " + std::to_string(limit_.count()) + " ms to decode"};
  co_return error{errc::corrupt, "the decoder " + *s->end + " at this image"};
}

void decoding_image_check::drop_session() {
  if (session_)
    session_->retire();
  session_.reset();
}

aio::task<> decoding_image_check::close() {
  closed_ = true;
  drop_session();
  co_await watches_.join();
}

} // namespace kiln::image

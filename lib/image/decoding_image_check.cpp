// SPDX-License-Identifier: Apache-2.0
#include "image/decoding_image_check.hpp"

#include "aio/passed_descriptor.hpp"
#include "image/image_answer.hpp"

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

#include <sys/socket.h>

namespace kiln::image {
namespace {

using aio::asio::posix::descriptor_base;
using socket_descriptor = aio::asio::posix::basic_stream_descriptor<aio::executor_type>;

constexpr std::string_view request_byte{"", 1}; // a check, with the usual picture, of the attached descriptor

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

  /// The next datagram; nullopt if the decoder is gone, or was late and had to be killed.
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
    // The handler may be queued already when the datagram arrives and another one is requested.
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

/// A place in the queue, and then a decoder: released when the coroutine that holds it ends, in any way.
class decoding_image_check::turn {
public:
  explicit turn(decoding_image_check& of) : of_(of), number_(++of.last_turn_) {
    of_.waiting_.push_back(number_);
  }
  turn(const turn&) = delete;
  turn& operator=(const turn&) = delete;
  ~turn() {
    constexpr std::size_t kept = 2; // idle decoders
    if (with && !with->owes_datagram && !with->end && of_.idle_.size() < kept && !of_.closed_)
      of_.idle_.push_front(std::move(with));
    else if (with) // cancelled in between: its answer would be mistaken for the next one
      of_.retire(std::move(with));
    std::erase(of_.waiting_, number_);
    of_.turn_over_.notify_all();
  }

  [[nodiscard]] bool has_come() const {
    const auto first = of_.waiting_.begin();
    return std::find(first, of_.waiting_.end(), number_) - first < static_cast<std::ptrdiff_t>(of_.most_);
  }

  session_ptr with;

private:
  decoding_image_check& of_;
  std::uint64_t number_;
};

decoding_image_check::decoding_image_check(aio::executor_type loop, starter start,
                                           std::chrono::milliseconds limit, std::size_t most)
    : loop_(loop), start_(std::move(start)), limit_(limit), most_(most), turn_over_(loop), closing_(loop),
      watches_(loop, [](std::exception_ptr e) { std::rethrow_exception(e); }) {}

decoding_image_check::~decoding_image_check() = default;

aio::task<result<image_facts>> decoding_image_check::check(int file) {
  return ask({file}, std::string{request_byte});
}

aio::task<result<image_facts>> decoding_image_check::draw(int file, picture_wish wish, int rows_to,
                                                          int cube) {
  std::vector<int> files{file};
  for (const int more : {rows_to, cube})
    if (more >= 0)
      files.push_back(more);
  return ask(std::move(files), format_picture_wish(wish));
}

aio::task<result<image_facts>> decoding_image_check::ask(std::vector<int> files, std::string request) {
  turn mine{*this};
  while (!mine.has_come())
    co_await turn_over_.wait();
  co_return co_await decode(mine, std::move(files), std::move(request));
}

aio::task<> decoding_image_check::watch(session_ptr s) {
  s->end = co_await s->process->wait();
  s->ended.notify_all();
}

/// Ensures a decoder that is ready. If it dies before that, starts one more.
aio::task<result<void>> decoding_image_check::make_ready(turn& mine) {
  if (!mine.with && !idle_.empty()) {
    mine.with = std::move(idle_.front());
    idle_.pop_front();
  }
  std::string why;
  for (int attempt = 0; attempt < 2 && !closed_ && !mine.with; ++attempt) {
    int pair[2] = {-1, -1};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
      co_return system_error(errno, "make a socket for the image decoder");
    aio::unique_descriptor ours{pair[0]};
    std::optional<aio::unique_descriptor> theirs{std::in_place, pair[1]};
    auto started = start_(theirs->get());
    theirs.reset(); // so that the decoder's end is the end of the socket
    if (!started) {
      const auto code = started.error().code;
      co_return error{is_passing(code) ? code : make_error_code(errc::unavailable),
                      "the image decoder cannot be started: " + started.error().message};
    }
    const auto s = std::make_shared<session>(loop_, std::move(*started), ours.release());
    watches_.spawn(watch(s));
    all_.push_back(s);
    mine.with = s;
    const auto greeting = co_await session::receive(s, limit_);
    if (greeting == decoder_greeting)
      break;
    mine.with.reset();
    retire(s);
    while (!s->end)
      co_await s->ended.wait();
    why = greeting ? "says what it should not" : s->is_late ? "says nothing" : *s->end;
  }
  if (closed_)
    co_return stopping();
  if (!mine.with)
    co_return error{errc::unavailable, "the image decoder does not start: it " + why};
  co_return result<void>{};
}

aio::task<result<image_facts>> decoding_image_check::decode(turn& mine, std::vector<int> files,
                                                            std::string request) {
  // This image is not at fault if the decoder died while idle.
  for (bool sent = false; !sent;) {
    if (const auto ready = co_await make_ready(mine); !ready)
      co_return ready.error();
    sent = aio::send_with_descriptors(mine.with->socket.native_handle(), request, files);
    if (!sent)
      retire(std::exchange(mine.with, nullptr));
  }
  const auto s = mine.with;
  const auto answer = co_await session::receive(s, limit_);
  std::string picture;
  bool is_whole = true; // the picture
  for (auto left = answer ? picture_bytes(*answer) : 0; left > 0 && is_whole;) {
    const auto piece = co_await session::receive(s, limit_);
    is_whole = piece && !piece->empty() && piece->size() <= left;
    if (!is_whole)
      break;
    picture += *piece;
    left -= piece->size();
  }
  if (answer && is_whole) {
    auto facts = parse_image_answer(*answer);
    if (facts)
      facts->picture = std::move(picture);
    if (facts || facts.error().code == errc::corrupt)
      co_return facts;
    retire(std::exchange(mine.with, nullptr)); // the image may have taken it over
    co_return error{errc::corrupt, facts.error().message};
  }
  while (!s->end)
    co_await s->ended.wait();
  retire(std::exchange(mine.with, nullptr));
  if (closed_)
    co_return stopping();
  if (s->is_late)
    co_return error{errc::corrupt, "took longer than " + std::to_string(limit_.count()) + " ms to decode"};
  co_return error{errc::corrupt, "the decoder " + *s->end + " at this image"};
}

void decoding_image_check::retire(session_ptr s) {
  all_.remove(s);
  s->retire();
}

void decoding_image_check::retire_all() {
  closed_ = true;
  idle_.clear();
  for (const auto& s : std::exchange(all_, {}))
    s->retire();
}

void decoding_image_check::close_after(std::chrono::milliseconds time) {
  closing_.expires_after(time);
  closing_.async_wait([this](boost::system::error_code ec) {
    if (!ec)
      retire_all();
  });
}

aio::task<> decoding_image_check::close() {
  closing_.cancel();
  retire_all();
  co_await watches_.join();
}

} // namespace kiln::image

// SPDX-License-Identifier: Apache-2.0
// The client alone: this test plays the decoder at the other end of the socket.
#include "image/decoding_image_check.hpp"
#include "image/image_answer.hpp"
#include "image/open_image.hpp"
#include "support/loop.hpp"
#include "support/temp_directory.hpp"

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>

#include <array>
#include <cerrno>

#include <sys/socket.h>

namespace kiln::image {
namespace {

using namespace std::chrono_literals;

/// What the decoder of this test does with a request.
enum class deed { answer, die, hang, nonsense };

struct script {
  std::vector<deed> deeds; ///< deeds for the requests, over all decoders
  bool greets = true;
  bool starts = true;
  int started = 0;
};

class fake_decoder final : public decoder_process {
public:
  fake_decoder(aio::executor_type loop, script& s, int socket) : script_(s), socket_(loop, ::dup(socket)) {}

  void kill() override {
    killed_ = true;
    socket_.close();
  }
  aio::task<std::string> wait() override {
    if (script_.greets)
      say(std::string{decoder_greeting});
    while (script_.greets && socket_.is_open()) {
      boost::system::error_code ec;
      co_await socket_.async_wait(aio::asio::posix::descriptor_base::wait_read,
                                  aio::asio::redirect_error(aio::use_task, ec));
      std::array<char, 16> request{};
      if (ec)
        break;
      const auto got = ::recv(socket_.native_handle(), request.data(), request.size(), MSG_DONTWAIT);
      if (got < 0 && errno == EAGAIN)
        continue; // readiness can be stale
      if (got <= 0)
        break;
      const auto next = script_.deeds.empty() ? deed::answer : script_.deeds.front();
      if (!script_.deeds.empty())
        script_.deeds.erase(script_.deeds.begin());
      if (next == deed::answer)
        say(R"({"ok":true,"format":"PNG","width":1,"height":2,"channels":3,"type":"uint8","layers":[]})");
      else if (next == deed::nonsense)
        say("{");
      else if (next == deed::die)
        break;
    }
    if (socket_.is_open())
      socket_.close();
    co_return killed_ ? "died of SIGKILL" : "died of SIGSEGV";
  }
  void say(const std::string& text) {
    ::send(socket_.native_handle(), text.data(), text.size(), MSG_NOSIGNAL);
  }

private:
  script& script_;
  aio::asio::posix::basic_stream_descriptor<aio::executor_type> socket_;
  bool killed_ = false;
};

class decoding_image_check_test : public tests::loop_test {
protected:
  decoding_image_check make(std::chrono::milliseconds limit = 1h, std::size_t most = 1) {
    return {executor(),
            [this](int socket) -> result<std::unique_ptr<decoder_process>> {
              if (!script_.starts)
                return error{errc::not_found, "no such program"};
              ++script_.started;
              last_ = new fake_decoder{executor(), script_, socket};
              return std::unique_ptr<decoder_process>{last_};
            },
            limit, most};
  }

  script script_;
  fake_decoder* last_ = nullptr;
  tests::temp_directory dir_;
  aio::unique_descriptor file_ = *open_image(dir_.write("a.png", "x"));
};

TEST_F(decoding_image_check_test, one_decoder_serves_many) {
  auto images = make();
  run([&]() -> aio::task<> {
    for (int i = 0; i < 3; ++i) {
      const auto facts = co_await images.check(file_.get());
      EXPECT_TRUE(facts && facts->width == 1 && facts->height == 2 && facts->channels == 3);
    }
    EXPECT_EQ(script_.started, 1);
    co_await images.close();
    EXPECT_EQ((co_await images.check(file_.get())).error().code, errc::unavailable);
  });
}

TEST_F(decoding_image_check_test, an_image_that_kills_the_decoder_is_corrupt_and_the_next_is_checked) {
  auto images = make();
  script_.deeds = {deed::answer, deed::die, deed::nonsense, deed::answer};
  run([&]() -> aio::task<> {
    EXPECT_TRUE(co_await images.check(file_.get()));
    const auto died = co_await images.check(file_.get());
    EXPECT_EQ(died.error(), (error{errc::corrupt, "the decoder died of SIGSEGV at this image"}));
    EXPECT_EQ((co_await images.check(file_.get())).error().code, errc::corrupt);
    EXPECT_TRUE(co_await images.check(file_.get()));
    EXPECT_EQ(script_.started, 3);
    co_await images.close();
  });
}

TEST_F(decoding_image_check_test, an_image_that_takes_too_long_is_corrupt) {
  auto images = make(20ms);
  script_.deeds = {deed::hang};
  run([&]() -> aio::task<> {
    const auto late = co_await images.check(file_.get());
    EXPECT_EQ(late.error(), (error{errc::corrupt, "took longer than 20 ms to decode"}));
    EXPECT_TRUE(co_await images.check(file_.get()));
    co_await images.close();
  });
}

TEST_F(decoding_image_check_test, a_decoder_that_died_while_idle_is_no_fault_of_the_image) {
  auto images = make();
  run([&]() -> aio::task<> {
    EXPECT_TRUE(co_await images.check(file_.get()));
    last_->kill();
    EXPECT_TRUE(co_await images.check(file_.get()));
    EXPECT_EQ(script_.started, 2);
    co_await images.close();
  });
}

TEST_F(decoding_image_check_test, without_a_decoder_nothing_is_corrupt) {
  auto images = make();
  script_.starts = false;
  run([&]() -> aio::task<> {
    const auto missing = co_await images.check(file_.get());
    EXPECT_EQ(missing.error().code, errc::unavailable);
    EXPECT_NE(missing.error().message.find("no such program"), std::string::npos);
    script_.starts = true;
    script_.greets = false;
    EXPECT_EQ((co_await images.check(file_.get())).error(),
              (error{errc::unavailable, "the image decoder does not start: it died of SIGSEGV"}));
    EXPECT_EQ(script_.started, 2);
    script_.greets = true;
    EXPECT_TRUE(co_await images.check(file_.get()));
    co_await images.close();
  });
}

TEST_F(decoding_image_check_test, checks_wait_for_their_turn) {
  auto images = make();
  script_.deeds = {deed::answer, deed::die, deed::answer};
  std::vector<std::pair<int, bool>> done;
  const auto one = [&](int number) -> aio::task<> {
    const auto facts = co_await images.check(file_.get());
    done.emplace_back(number, facts.has_value());
  };
  aio::task_group group{executor(), [](std::exception_ptr) { ADD_FAILURE(); }};
  run([&]() -> aio::task<> {
    for (int i = 0; i < 3; ++i)
      group.spawn(one(i));
    co_await group.join();
    co_await images.close();
  });
  EXPECT_EQ(done, (std::vector<std::pair<int, bool>>{{0, true}, {1, false}, {2, true}}));
}

TEST_F(decoding_image_check_test, an_image_that_takes_long_stands_in_nobodys_way) {
  auto images = make(1h, 2);
  script_.deeds = {deed::hang};
  std::vector<boost::system::error_code> ended;
  const auto slow = [&]() -> aio::task<> {
    const auto facts = co_await images.check(file_.get());
    ended.push_back(facts.error().code);
  };
  aio::task_group group{executor(), [](std::exception_ptr) { ADD_FAILURE(); }};
  run([&]() -> aio::task<> {
    group.spawn(slow());
    while (!script_.deeds.empty() || script_.started == 0) {
      aio::timer t{executor(), 1ms};
      co_await t.async_wait(aio::use_task);
    }
    for (int i = 0; i < 3; ++i)
      EXPECT_TRUE(co_await images.check(file_.get()));
    EXPECT_EQ(script_.started, 2) << "the second one serves all others";
    EXPECT_TRUE(ended.empty());
    images.close_after(1ms);
    co_await group.join();
    EXPECT_EQ(ended, std::vector{make_error_code(errc::unavailable)});
    co_await images.close();
  });
}

TEST_F(decoding_image_check_test, a_cancelled_check_leaves_the_next_its_own_answer) {
  auto images = make();
  script_.deeds = {deed::hang};
  const auto one = [&]() -> aio::task<> { (void)co_await images.check(file_.get()); };
  aio::task_group group{executor(), [](std::exception_ptr) { ADD_FAILURE(); }};
  run([&]() -> aio::task<> {
    group.spawn(one());
    group.spawn(one()); // waits for its turn
    while (!script_.deeds.empty() || script_.started == 0) {
      aio::timer t{executor(), 1ms};
      co_await t.async_wait(aio::use_task);
    }
    group.cancel();
    co_await group.join();
    EXPECT_TRUE(co_await images.check(file_.get()));
    EXPECT_EQ(script_.started, 2);
    co_await images.close();
  });
}

TEST_F(decoding_image_check_test, closing_ends_a_check_under_way) {
  auto images = make();
  script_.deeds = {deed::hang};
  std::vector<boost::system::error_code> ended;
  const auto one = [&]() -> aio::task<> {
    const auto facts = co_await images.check(file_.get());
    ended.push_back(facts.error().code);
  };
  aio::task_group group{executor(), [](std::exception_ptr) { ADD_FAILURE(); }};
  run([&]() -> aio::task<> {
    group.spawn(one());
    group.spawn(one());
    while (!script_.deeds.empty()) {
      aio::timer t{executor(), 1ms};
      co_await t.async_wait(aio::use_task);
    }
    co_await images.close();
    co_await group.join();
  });
  EXPECT_EQ(ended, (std::vector<boost::system::error_code>(2, errc::unavailable)));
}

TEST(image_answer, comes_back_as_it_was) {
  const image_facts facts{"OpenEXR", 1920, 1080, 7, "half", {"View.Combined", "caf\xc3\xa9 \"x\"\n"}};
  EXPECT_EQ(parse_image_answer(format_image_answer(facts)).value(), facts);
  const error refused{errc::corrupt, "PNG: \x01 broken"};
  EXPECT_EQ(parse_image_answer(format_image_answer(refused)).error(), refused);
}

TEST(image_answer, is_short_and_utf8_whatever_the_file_says) {
  image_facts facts{"OpenEXR", 1, 1, 1, "half", {}};
  facts.layers.assign(10000, std::string(255, '\x01'));
  facts.layers[0] = "\xff\xfe";
  const auto text = format_image_answer(facts);
  EXPECT_LE(text.size(), max_answer);
  EXPECT_EQ(parse_image_answer(text)->layers[0], "??");
  EXPECT_LE(format_image_answer(error{errc::corrupt, std::string(100000, '\x02')}).size(), max_answer);
}

TEST(image_answer, nonsense_is_told_from_a_refusal) {
  for (const char* text :
       {"", "{", "[]", "null", "{}", R"({"ok":1})", R"({"ok":false})", R"({"ok":false,"error":""})",
        R"({"ok":false,"error":3})", R"({"ok":true})",
        R"({"ok":true,"format":"PNG","width":-1,"height":2,"channels":3,"type":"uint8","layers":[]})",
        R"({"ok":true,"format":"PNG","width":1e99,"height":2,"channels":3,"type":"uint8","layers":[]})",
        R"({"ok":true,"format":"PNG","width":1,"height":2,"channels":3,"type":"uint8","layers":[1]})",
        R"({"ok":true,"format":"PNG","width":1,"height":2,"channels":3,"type":"uint8","layers":{}})"})
    EXPECT_EQ(parse_image_answer(text).error().code, errc::internal) << text;
  EXPECT_EQ(parse_image_answer(std::string(max_answer + 1, ' ')).error().code, errc::internal);
}

} // namespace
} // namespace kiln::image

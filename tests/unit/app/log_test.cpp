// SPDX-License-Identifier: Apache-2.0
#include "app/log.hpp"
#include "app/syslog_sink.hpp"
#include "support/temp_directory.hpp"

#include <boost/json.hpp>
#include <gtest/gtest.h>
#include <spdlog/logger.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>

#include <sys/socket.h>
#include <sys/un.h>

namespace kiln::app {
namespace {

using fields = std::vector<std::pair<std::string_view, std::string_view>>;

TEST(log, splits_a_message_from_its_fields) {
  const auto plain = split_fields("listening on 127.0.0.1:3000");
  EXPECT_EQ(plain.text, "listening on 127.0.0.1:3000");
  EXPECT_TRUE(plain.fields.empty());

  const auto some = split_fields("job ended job=j1 state=failed reason=no camera in a=b scene");
  EXPECT_EQ(some.text, "job ended");
  EXPECT_EQ(some.fields, (fields{{"job", "j1"}, {"state", "failed"}, {"reason", "no camera in a=b scene"}}));

  const auto spaces = split_fields("frame done path=/a b/c.png frame=3");
  EXPECT_EQ(spaces.fields, (fields{{"path", "/a b/c.png"}, {"frame", "3"}}));

  EXPECT_EQ(split_fields("x=").fields, (fields{{"x", ""}}));
  EXPECT_EQ(split_fields("").text, "");
  EXPECT_EQ(split_fields("a =b =").text, "a =b =");
}

class log_file : public testing::Test {
protected:
  log_file() : path_(testing::TempDir() + "kilnd-log-" + std::to_string(::getpid())) {}
  ~log_file() override {
    std::filesystem::remove(path_);
    std::filesystem::remove(path_ + ".1");
  }
  static std::string text_of(const std::string& path) {
    std::ifstream in{path};
    return {std::istreambuf_iterator<char>{in}, {}};
  }
  std::string path_;
};

TEST_F(log_file, json_is_one_object_a_line_whatever_the_message) {
  const auto l = open_log(path_, "info", true);
  ASSERT_TRUE(l);
  l->logger->info("odd \"text\"\nwith lines job=j1");
  l->logger->debug("not logged");
  const auto text = text_of(path_);
  EXPECT_EQ(std::ranges::count(text, '\n'), 1);
  const auto line = boost::json::parse(text).as_object();
  EXPECT_EQ(line.at("level"), "info");
  EXPECT_EQ(line.at("message"), "odd \"text\"\nwith lines");
  EXPECT_EQ(line.at("job"), "j1");
  EXPECT_EQ(line.at("time").as_string().size(), std::string_view{"2026-01-01T00:00:00.000Z"}.size());
}

TEST_F(log_file, reopen_follows_a_rotation) {
  const auto l = open_log(path_, "info", false);
  l->logger->info("before");
  std::filesystem::rename(path_, path_ + ".1");
  l->logger->info("still the old file");
  EXPECT_TRUE(l->reopen());
  l->logger->info("after");
  EXPECT_NE(text_of(path_ + ".1").find("still the old file"), std::string::npos);
  EXPECT_NE(text_of(path_).find("after"), std::string::npos);
  EXPECT_EQ(text_of(path_).find("old file"), std::string::npos);
}

TEST_F(log_file, the_old_file_stays_in_use_when_the_new_one_cannot_be_opened) {
  const auto l = open_log(path_, "info", false);
  std::filesystem::rename(path_, path_ + ".1");
  std::filesystem::create_directory(path_);
  const auto reopened = l->reopen();
  ASSERT_FALSE(reopened);
  EXPECT_NE(reopened.error().message.find(path_), std::string::npos) << reopened.error().message;
  l->logger->info("in the old file");
  EXPECT_NE(text_of(path_ + ".1").find("in the old file"), std::string::npos);
  std::filesystem::remove(path_);
  EXPECT_TRUE(l->reopen());
  l->logger->info("in the new file");
  EXPECT_NE(text_of(path_).find("in the new file"), std::string::npos);
}

TEST(log, a_file_that_cannot_be_opened_is_an_error) {
  const auto l = open_log("/proc/nowhere/kilnd.log", "info", false);
  ASSERT_FALSE(l);
  EXPECT_NE(l.error().message.find("/proc/nowhere/kilnd.log"), std::string::npos);
}

class syslog_test : public testing::Test {
protected:
  void listen() {
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    std::strcpy(at.sun_path, path_.c_str());
    std::filesystem::remove(path_);
    fd_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    ASSERT_EQ(::bind(fd_, reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
  }
  void TearDown() override { ::close(fd_); }
  std::string heard() {
    std::array<char, 512> text{};
    const auto n = ::recv(fd_, text.data(), text.size(), 0);
    return {text.data(), n < 0 ? 0 : static_cast<std::size_t>(n)};
  }

  tests::temp_directory dir_;
  std::filesystem::path path_ = dir_ / "log";
  int fd_ = -1;
  std::string tag_ = "kilnd[" + std::to_string(::getpid()) + "]: ";
};

TEST_F(syslog_test, lines_have_facility_severity_and_pid) {
  listen();
  const auto sink = std::make_shared<syslog_sink>(path_);
  sink->set_pattern("%v");
  spdlog::logger to{"kilnd", sink};
  to.info("job ended job=j1");
  to.warn("a % and a \n in it");
  EXPECT_EQ(heard(), "<30>" + tag_ + "job ended job=j1");
  EXPECT_EQ(heard(), "<28>" + tag_ + "a % and a \n in it");
}

TEST_F(syslog_test, a_syslogd_that_is_stuck_or_gone_keeps_nobody) {
  const auto sink = std::make_shared<syslog_sink>(path_);
  sink->set_pattern("%v");
  spdlog::logger to{"kilnd", sink};
  to.info("nobody listens");
  listen();
  to.info("somebody listens");
  EXPECT_EQ(heard(), "<28>" + tag_ + "1 lines were lost: syslogd did not read");
  EXPECT_EQ(heard(), "<30>" + tag_ + "somebody listens");
  for (int i = 0; i < 10'000; ++i) // more than any queue holds: would not return
    to.info("nobody reads");
  while (!heard().empty()) {
  }
  to.info("somebody reads");
  EXPECT_NE(heard().find("lines were lost"), std::string::npos);
  EXPECT_EQ(heard(), "<30>" + tag_ + "somebody reads");
}

} // namespace
} // namespace kiln::app

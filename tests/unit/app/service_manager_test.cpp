// SPDX-License-Identifier: Apache-2.0
#include "aio/unique_descriptor.hpp"
#include "app/given_socket.hpp"
#include "app/service_manager.hpp"
#include "support/temp_directory.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstring>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace kiln::app {
namespace {

using namespace std::chrono_literals;
using list = std::vector<std::string>;

/// The end of a supervisor, that hears.
class supervisor {
public:
  /// `name`: a path, or an abstract name with its '@'.
  explicit supervisor(std::string name) : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0)) {
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    std::memcpy(at.sun_path, name.data(), name.size());
    if (name.starts_with('@'))
      at.sun_path[0] = '\0';
    EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&at),
                     static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size())),
              0);
  }
  /// The next message; empty when there is none.
  std::string heard() {
    std::array<char, 256> text{};
    const auto n = ::recv(fd_.get(), text.data(), text.size(), 0);
    return {text.data(), n < 0 ? 0 : static_cast<std::size_t>(n)};
  }

private:
  aio::unique_descriptor fd_;
};

TEST(service_manager, tells_by_path_and_by_abstract_name) {
  tests::temp_directory dir;
  const auto abstract = "@kiln-test-" + std::to_string(::getpid());
  for (const auto& name : {(dir / "notify").native(), abstract}) {
    supervisor up{name};
    const service_manager down{{"A=1", "NOTIFY_SOCKET=" + name}, 1};
    down.tell("READY=1");
    EXPECT_EQ(up.heard(), "READY=1") << name;
    down.tell_reloading();
    const auto reloading = up.heard();
    EXPECT_TRUE(reloading.starts_with("RELOADING=1\nMONOTONIC_USEC=")) << reloading;
    EXPECT_GT(std::stoll(reloading.substr(reloading.rfind('=') + 1)), 0);
  }
}

TEST(service_manager, tells_nobody_when_nobody_asked_or_listens) {
  for (const auto& environment :
       {list{}, list{"NOTIFY_SOCKET="}, list{"NOTIFY_SOCKET=relative"}, list{"NOTIFY_SOCKET=vsock:2:1"},
        list{"NOTIFY_SOCKET=/nonexistent/x"}, list{"NOTIFY_SOCKET=/" + std::string(200, 'x')}})
    service_manager{environment, 1}.tell("READY=1");
}

TEST(service_manager, does_not_wait_for_a_supervisor_that_does_not_read) {
  tests::temp_directory dir;
  supervisor deaf{(dir / "notify").native()};
  const service_manager down{{"NOTIFY_SOCKET=" + (dir / "notify").native()}, 1};
  for (int i = 0; i < 10'000; ++i) // more than any queue holds: would not return
    down.tell("WATCHDOG=1");
  EXPECT_EQ(deaf.heard(), "WATCHDOG=1");
}

TEST(service_manager, the_watchdog_is_ours_only) {
  const auto within = [](const list& environment) { return service_manager{environment, 42}.watchdog(); };
  EXPECT_EQ(within({"WATCHDOG_USEC=30000000", "WATCHDOG_PID=42"}), 30s);
  EXPECT_EQ(within({"WATCHDOG_USEC=30000000"}), 30s);
  EXPECT_EQ(within({"WATCHDOG_USEC=30000000", "WATCHDOG_PID=43"}), std::nullopt);
  for (const char* bad : {"", "0", "-1", "x", "1x", "99999999999999999999"})
    EXPECT_EQ(within({std::string{"WATCHDOG_USEC="} + bad}), std::nullopt) << bad;
  EXPECT_EQ(within({}), std::nullopt);
}

TEST(service_manager, sockets_are_ours_only) {
  const auto sockets = [](const list& environment) { return service_manager{environment, 42}.sockets(); };
  EXPECT_EQ(sockets({"LISTEN_FDS=2", "LISTEN_PID=42"}), (std::vector{3, 4}));
  EXPECT_TRUE(sockets({"LISTEN_FDS=1", "LISTEN_PID=43"}).empty());
  EXPECT_TRUE(sockets({"LISTEN_FDS=1"}).empty());
  EXPECT_TRUE(sockets({"LISTEN_FDS=-1", "LISTEN_PID=42"}).empty());
  EXPECT_TRUE(sockets({"LISTEN_FDS=one", "LISTEN_PID=42"}).empty());
  EXPECT_EQ(sockets({"LISTEN_FDS=1000000000", "LISTEN_PID=42"}).size(), 64u);
}

int bound(int family, const sockaddr* at, socklen_t length) {
  const int fd = ::socket(family, SOCK_STREAM, 0);
  EXPECT_EQ(::bind(fd, at, length), 0);
  return fd;
}

TEST(given_socket, one_that_listens_on_tcp_is_taken) {
  EXPECT_FALSE(*take_given_socket({}));
  sockaddr_in v4{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
  const aio::unique_descriptor a{bound(AF_INET, reinterpret_cast<const sockaddr*>(&v4), sizeof v4)};
  EXPECT_FALSE(take_given_socket({a.get()})) << "does not listen yet";
  ASSERT_EQ(::listen(a.get(), 1), 0);
  const auto taken = take_given_socket({a.get()});
  ASSERT_TRUE(taken && *taken);
  EXPECT_EQ((*taken)->at.address, "127.0.0.1");
  EXPECT_GT((*taken)->at.port, 0);
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  const aio::unique_descriptor b{bound(AF_INET6, reinterpret_cast<const sockaddr*>(&v6), sizeof v6)};
  ASSERT_EQ(::listen(b.get(), 1), 0);
  EXPECT_EQ((**take_given_socket({b.get()})).at.address, "::");
}

TEST(given_socket, others_are_refused_with_what_to_do) {
  const aio::unique_descriptor local{::socket(AF_UNIX, SOCK_STREAM, 0)};
  EXPECT_NE(take_given_socket({local.get()}).error().message.find("ListenStream=127.0.0.1:3000"),
            std::string::npos);
  EXPECT_NE(take_given_socket({3, 4}).error().message.find("2 sockets"), std::string::npos);
  EXPECT_NE(take_given_socket({999}).error().message.find("not there"), std::string::npos);
}

} // namespace
} // namespace kiln::app

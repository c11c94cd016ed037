// SPDX-License-Identifier: Apache-2.0
#include "aio/patient_open.hpp"
#include "support/temp_directory.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <csignal>

#include <sys/stat.h>

namespace kiln::aio {
namespace {

int lease_holder = -1;

/// As a file server does: somebody else wants the file.
void give_back(int) {
  ::fcntl(lease_holder, F_SETLEASE, F_UNLCK);
}

class patient_open_test : public testing::Test {
protected:
  ~patient_open_test() override { ::signal(SIGIO, SIG_DFL); }

  /// False where the file system has no leases.
  bool take_lease(const unique_descriptor& of, sighandler_t when_broken) {
    lease_holder = of.get();
    ::signal(SIGIO, when_broken);
    return ::fcntl(of.get(), F_SETLEASE, F_WRLCK) == 0;
  }

  tests::temp_directory dir_;
  std::filesystem::path file_ = dir_.write("file", "text");
};

TEST_F(patient_open_test, waits_until_a_lease_is_given_back) {
  const unique_descriptor held{::open(file_.c_str(), O_RDONLY)};
  if (!take_lease(held, give_back))
    GTEST_SKIP() << "no leases here";
  EXPECT_TRUE(open_patiently(AT_FDCWD, file_.c_str(), O_RDONLY).is_open());
}

TEST_F(patient_open_test, does_not_wait_long) {
  const unique_descriptor held{::open(file_.c_str(), O_RDONLY)};
  if (!take_lease(held, SIG_IGN))
    GTEST_SKIP() << "no leases here";
  EXPECT_FALSE(open_patiently(AT_FDCWD, file_.c_str(), O_RDONLY).is_open());
  EXPECT_EQ(errno, EWOULDBLOCK);
}

TEST_F(patient_open_test, a_fifo_does_not_hold_it_up_and_other_errors_are_told_at_once) {
  ASSERT_EQ(::mkfifo((dir_ / "fifo").c_str(), 0600), 0);
  EXPECT_TRUE(open_patiently(AT_FDCWD, (dir_ / "fifo").c_str(), O_RDONLY).is_open());
  EXPECT_FALSE(open_patiently(AT_FDCWD, (dir_ / "nowhere").c_str(), O_RDONLY).is_open());
  EXPECT_EQ(errno, ENOENT);
}

} // namespace
} // namespace kiln::aio

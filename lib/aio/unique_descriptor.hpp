// SPDX-License-Identifier: Apache-2.0
//
// An owned file descriptor, closed on destruction. For plain blocking calls; waits on the loop use an Asio
// descriptor.
#pragma once

#include <utility>

#include <unistd.h>

namespace kiln::aio {

class unique_descriptor {
public:
  explicit unique_descriptor(int fd = -1) noexcept : fd_(fd) {}
  unique_descriptor(unique_descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  unique_descriptor& operator=(unique_descriptor&&) = delete;
  ~unique_descriptor() {
    if (fd_ >= 0)
      ::close(fd_);
  }

  [[nodiscard]] int get() const noexcept { return fd_; }
  /// Passes ownership to the caller.
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }
  /// False for -1, the result of a failed open(2) (errno has the reason).
  [[nodiscard]] bool is_open() const noexcept { return fd_ >= 0; }

private:
  int fd_;
};

} // namespace kiln::aio

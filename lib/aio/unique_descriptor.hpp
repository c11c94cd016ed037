// SPDX-License-Identifier: Apache-2.0
//
// A file descriptor that is closed when its owner goes. For plain blocking calls; what waits on the loop is
// an Asio descriptor.
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
  /// The caller's from now on.
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }
  /// False for -1, which is what open(2) gives when it fails (errno says why).
  [[nodiscard]] bool is_open() const noexcept { return fd_ >= 0; }

private:
  int fd_;
};

} // namespace kiln::aio

// SPDX-License-Identifier: Apache-2.0
#include "image/structural_image_check.hpp"

#include "aio/unique_descriptor.hpp"
#include "image/image_structure.hpp"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace kiln::image {
namespace {

class open_file final : public image_source {
public:
  open_file(int fd, std::uint64_t size) noexcept : fd_(fd), size_(size) {}
  [[nodiscard]] std::uint64_t size() const override { return size_; }
  [[nodiscard]] result<void> read(std::uint64_t offset, std::span<std::byte> into) override {
    while (!into.empty()) {
      const auto got = ::pread(fd_, into.data(), into.size(), static_cast<off_t>(offset));
      if (got < 0 && errno == EINTR)
        continue;
      if (got < 0)
        return system_error(errno, "read an image");
      if (got == 0)
        return error{errc::corrupt, "the file became shorter while it was read"};
      into = into.subspan(static_cast<std::size_t>(got));
      offset += static_cast<std::uint64_t>(got);
    }
    return {};
  }

private:
  int fd_;
  std::uint64_t size_;
};

result<void> check_file(const std::filesystem::path& file) {
  // O_NONBLOCK: a FIFO in the place of a frame must not hold us up.
  const aio::unique_descriptor opened{::open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
  struct stat facts {};
  if (!opened.is_open() || ::fstat(opened.get(), &facts) != 0)
    return system_error(errno, "open " + file.native());
  if (!S_ISREG(facts.st_mode))
    return error{errc::corrupt, "not a file"};
  open_file source{opened.get(), static_cast<std::uint64_t>(facts.st_size)};
  return check_image_structure(source);
}

} // namespace

aio::task<result<void>> structural_image_check::check(std::filesystem::path file) {
  const auto check_here = [file = std::move(file)] { return check_file(file); };
  co_return co_await pool_.run(check_here);
}

} // namespace kiln::image

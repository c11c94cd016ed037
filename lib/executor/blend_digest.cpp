// SPDX-License-Identifier: Apache-2.0
#include "executor/blend_digest.hpp"

#include "aio/unique_descriptor.hpp"
#include "digest/sha256.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace kiln::executor {
std::optional<blend_digests::identity> blend_digests::identify(const std::filesystem::path& file) {
  struct stat facts {};
  if (::stat(file.c_str(), &facts) != 0 || !S_ISREG(facts.st_mode))
    return std::nullopt;
  return identity{facts.st_dev, facts.st_ino, facts.st_size,
                  facts.st_mtim.tv_sec * 1'000'000'000 + facts.st_mtim.tv_nsec};
}

std::optional<std::string> blend_digests::digest(const std::filesystem::path& file) {
  const aio::unique_descriptor opened{::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (!opened.is_open())
    return std::nullopt;
  digest::sha256_hasher h;
  std::vector<char> buffer(1 << 20);
  for (;;) {
    const auto size = ::read(opened.get(), buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR)
      continue;
    if (size < 0)
      return std::nullopt;
    if (size == 0)
      return h.hex();
    h.add(buffer.data(), static_cast<std::size_t>(size));
  }
}

aio::task<std::optional<std::string>> blend_digests::of(std::filesystem::path file) {
  const auto look = [file] { return identify(file); };
  const auto id = co_await pool_.run(look);
  if (!id)
    co_return std::nullopt;
  const auto found = std::ranges::find(known_, *id, &entry::file);
  if (found != known_.end()) {
    known_.splice(known_.begin(), known_, found);
    co_return known_.front().digest;
  }
  const auto reckon = [file] { return digest(file); };
  auto reckoned = co_await pool_.run(reckon);
  if (reckoned) {
    known_.push_front({*id, *reckoned});
    if (known_.size() > kept)
      known_.pop_back();
  }
  co_return reckoned;
}

} // namespace kiln::executor

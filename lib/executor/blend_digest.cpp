// SPDX-License-Identifier: Apache-2.0
#include "executor/blend_digest.hpp"

#include "aio/patient_open.hpp"
#include "base/scope_exit.hpp"
#include "digest/sha256.hpp"

#include <algorithm>
#include <cerrno>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace kiln::executor {
namespace {

constexpr std::size_t turn = 16 << 20; // bytes read before the next file has its turn
constexpr std::size_t piece = 1 << 20;

/// A file that is being read, on the reader's thread.
struct open_blend {
  explicit open_blend(const std::filesystem::path& path)
      : file(aio::open_patiently(AT_FDCWD, path.c_str(), O_RDONLY)) {}

  aio::unique_descriptor file;
  digest::sha256_hasher hasher;
  std::vector<char> buffer = std::vector<char>(piece);
};

struct progress {
  enum class state { more, end, failed };
  state now = state::more;
  std::uint64_t bytes = 0;
};

progress read_a_turn(open_blend& from) {
  progress done;
  while (done.bytes < turn) {
    const auto size = ::read(from.file.get(), from.buffer.data(), from.buffer.size());
    if (size < 0 && errno == EINTR)
      continue;
    if (size <= 0) {
      done.now = size == 0 ? progress::state::end : progress::state::failed;
      break;
    }
    from.hasher.add(from.buffer.data(), static_cast<std::size_t>(size));
    done.bytes += static_cast<std::uint64_t>(size);
  }
  return done;
}

} // namespace

std::optional<blend_digests::identity> blend_digests::identify(const std::filesystem::path& file) {
  struct stat facts {};
  if (::stat(file.c_str(), &facts) != 0 || !S_ISREG(facts.st_mode))
    return std::nullopt;
  return identity{facts.st_dev, facts.st_ino, facts.st_size,
                  facts.st_mtim.tv_sec * 1'000'000'000 + facts.st_mtim.tv_nsec};
}

bool blend_digests::is_wanted(const reading& one) const noexcept {
  const auto waits = [](const auto& caller) { return !caller->is_stopped; };
  return !is_stopped_ && std::ranges::any_of(one.callers, waits);
}

aio::task<std::optional<std::string>> blend_digests::read(std::filesystem::path file,
                                                          std::shared_ptr<reading> one) {
  const auto open_here = [file] { return std::make_shared<open_blend>(file); };
  const auto opened = co_await reader_.run(open_here);
  auto now = opened->file.is_open() ? progress::state::more : progress::state::failed;
  while (now == progress::state::more && is_wanted(*one)) {
    const auto read_here = [opened] { return read_a_turn(*opened); };
    const auto done = co_await reader_.run(read_here);
    now = done.now;
    for (const auto& caller : one->callers)
      caller->bytes += done.bytes;
  }
  if (now != progress::state::end)
    co_return std::nullopt;
  co_return opened->hasher.hex();
}

aio::task<std::optional<std::string>> blend_digests::of(std::filesystem::path file,
                                                        std::shared_ptr<blend_reading> by) {
  const auto look = [file] { return identify(file); };
  const auto id = co_await pool_.run(look);
  if (!id)
    co_return std::nullopt;
  const auto found = std::ranges::find(known_, *id, &entry::file);
  if (found != known_.end()) {
    known_.splice(known_.begin(), known_, found);
    co_return known_.front().digest;
  }
  const auto same = std::ranges::find_if(readings_, [&](const auto& one) { return one->file == *id; });
  if (same != readings_.end()) {
    const auto shared = *same;
    shared->callers.push_back(by);
    while (!shared->is_over)
      co_await changed_.wait();
    co_return shared->digest;
  }
  const auto mine = std::make_shared<reading>(reading{.file = *id, .callers = {by}, .digest = {}});
  readings_.push_back(mine);
  const scope_exit over{[this, mine] {
    readings_.remove(mine);
    mine->is_over = true;
    changed_.notify_all();
  }};
  mine->digest = co_await read(std::move(file), mine);
  if (mine->digest) {
    known_.push_front({*id, *mine->digest});
    if (known_.size() > kept)
      known_.pop_back();
  }
  co_return mine->digest;
}

aio::task<std::optional<std::string>> blend_digests::of_job(const domain::job_spec& spec) {
  constexpr std::string_view prefix = "sha256:"; // of an upload, whose name is its digest
  if (spec.blend_name.starts_with(prefix))
    co_return spec.blend_name.substr(prefix.size());
  co_return co_await of(spec.blend);
}

} // namespace kiln::executor

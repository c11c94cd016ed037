// SPDX-License-Identifier: Apache-2.0
#include "client/blend_source.hpp"

#include "client/exit_status.hpp"
#include "client/job_spec.hpp"
#include "client/problem.hpp"
#include "digest/digest_field.hpp"
#include "digest/sha256.hpp"

#include <boost/url/encode.hpp>
#include <boost/url/rfc/unreserved_chars.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace kiln::client {
namespace {

constexpr std::size_t hashed_at_once = 4 * 1024 * 1024; // then signals are looked at
constexpr std::size_t longest_upload_name = 255;
constexpr int not_found = 404;
constexpr std::string_view scheme = "sha256:";

error changed(const std::filesystem::path& file) {
  return failure(exit_status::usage,
                 fmt::format("{} changed while it was sent: repeat the command", file.native()));
}

std::int64_t change_of(const struct stat& facts) {
  return facts.st_mtim.tv_sec * 1'000'000'000 + facts.st_mtim.tv_nsec;
}

std::string upload_name(const std::filesystem::path& file) {
  const auto name = file.filename().native();
  return boost::urls::encode(name.substr(0, std::min(name.size(), longest_upload_name)),
                             boost::urls::unreserved_chars);
}

} // namespace

result<blend_source> blend_source::open(const std::filesystem::path& file) {
  std::error_code wrong;
  auto path = std::filesystem::canonical(file, wrong);
  if (wrong)
    return failure(exit_status::usage, fmt::format("{} cannot be read: {}", file.native(), wrong.message()));
  blend_source out{aio::unique_descriptor{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)},
                   std::move(path)};
  struct stat facts {};
  if (!out.opened_.is_open() || ::fstat(out.opened_.get(), &facts) != 0)
    return failure(exit_status::usage, last_error("open", file).message);
  if (!S_ISREG(facts.st_mode))
    return failure(exit_status::usage, fmt::format("{} is not a file", file.native()));
  out.size_ = static_cast<std::uint64_t>(facts.st_size);
  out.changed_ = change_of(facts);
  return out;
}

std::string blend_source::identity() const {
  return fmt::format("{}\n{}\n{}", path_.native(), size_, changed_);
}

bool blend_source::has_changed() const {
  struct stat facts {};
  return ::fstat(opened_.get(), &facts) != 0 || static_cast<std::uint64_t>(facts.st_size) != size_ ||
         change_of(facts) != changed_;
}

aio::task<result<std::string>> blend_source::digest(caller& kilnd) const {
  digest::sha256_hasher hasher;
  std::vector<char> piece(hashed_at_once);
  for (std::uint64_t at = 0; at < size_;) {
    const auto got = ::pread(opened_.get(), piece.data(), piece.size(), static_cast<off_t>(at));
    if (got == 0)
      co_return changed(path_);
    if (got < 0)
      co_return failure(exit_status::usage, last_error("read", path_).message);
    hasher.add(piece.data(), static_cast<std::size_t>(got));
    at += static_cast<std::uint64_t>(got);
    const std::chrono::milliseconds now{0};
    co_await kilnd.pause(now);
  }
  co_return std::string{scheme} + hasher.hex();
}

aio::task<result<std::string>> blend_source::bring_to(caller& kilnd, notice say) const {
  auto id = co_await digest(kilnd);
  if (!id)
    co_return id.error();
  request look;
  look.method = "HEAD";
  look.path = "/v1/blends/" + *id;
  const auto known = co_await kilnd.ask(look);
  if (!known)
    co_return known.error();
  if (known->status / 100 == 2)
    co_return *id;
  std::string doing = "the .blend";
  if (known->status != not_found) { // HEAD has no body that says why
    look.method = "GET";
    const auto refused = co_await kilnd.ask_well(look, doing);
    if (!refused)
      co_return refused.error();
  }
  say(fmt::format("sending {} ({} MB)", path_.filename().native(), (size_ + 999'999) / 1'000'000));
  request send;
  send.method = "POST";
  send.path = "/v1/blends?name=" + upload_name(path_);
  send.fields = {{"Content-Type", "application/octet-stream"},
                 {"Repr-Digest", digest::format_digest_field(std::string_view{*id}.substr(scheme.size()))}};
  send.file = opened_.get();
  send.file_size = size_;
  const auto sent = co_await kilnd.ask(send);
  if (has_changed())
    co_return changed(path_);
  if (!sent)
    co_return sent.error();
  if (sent->status / 100 != 2)
    co_return explain(*sent, kilnd.to(), doing);
  const auto body = json_of(*sent, kilnd.to());
  if (!body)
    co_return body.error();
  const auto* object = body->if_object();
  const auto* named = object ? object->if_contains("id") : nullptr;
  if (!named || !named->is_string() || std::string_view{named->get_string()} != *id)
    co_return not_as_kilnd(kilnd.to());
  co_return *id;
}

} // namespace kiln::client

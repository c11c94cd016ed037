// SPDX-License-Identifier: Apache-2.0
#include "client/blend_source.hpp"

#include "base/number.hpp"
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

error changed(const std::filesystem::path& file) {
  return failure(exit_status::refused,
                 fmt::format("{} changed while it was sent: repeat the command", file.native()));
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
  out.changed_ = facts.st_mtim.tv_sec * 1'000'000'000 + facts.st_mtim.tv_nsec;
  return out;
}

std::string blend_source::identity() const {
  return fmt::format("{}\n{}\n{}", path_.native(), size_, changed_);
}

aio::task<result<std::string>> blend_source::digest(caller& kilnd) const {
  digest::sha256_hasher hasher;
  std::vector<char> piece(hashed_at_once);
  for (std::uint64_t at = 0; at < size_;) {
    const auto got = ::pread(opened_.get(), piece.data(), piece.size(), static_cast<off_t>(at));
    if (got <= 0)
      co_return failure(exit_status::usage, fmt::format("{} cannot be read to its end", path_.native()));
    hasher.add(piece.data(), static_cast<std::size_t>(got));
    at += static_cast<std::uint64_t>(got);
    const std::chrono::milliseconds now{0};
    co_await kilnd.pause(now);
  }
  co_return "sha256:" + hasher.hex();
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
  auto sent = co_await send(kilnd, *id);
  if (sent && sent->status == not_found) { // the answer to its end was lost, or it was removed meanwhile
    look.method = "HEAD";
    const auto again = co_await kilnd.ask(look);
    if (again && again->status / 100 == 2)
      co_return *id;
    sent = co_await send(kilnd, *id);
  }
  if (!sent)
    co_return sent.error();
  if (sent->status / 100 != 2) {
    const auto same = check_unchanged();
    if (!same)
      co_return same.error();
    co_return explain(*sent, kilnd.to(), doing);
  }
  const auto body = json_of(*sent, kilnd.to());
  if (!body)
    co_return body.error();
  const auto* object = body->if_object();
  const auto* named = object ? object->if_contains("id") : nullptr;
  if (!named || !named->is_string() || std::string_view{named->get_string()} != *id)
    co_return changed(path_);
  co_return *id;
}

result<void> blend_source::check_unchanged() const {
  struct stat facts {};
  const bool is_same = ::fstat(opened_.get(), &facts) == 0 &&
                       static_cast<std::uint64_t>(facts.st_size) == size_ &&
                       facts.st_mtim.tv_sec * 1'000'000'000 + facts.st_mtim.tv_nsec == changed_;
  if (!is_same)
    return changed(path_);
  return {};
}

/// Begins an upload, or finds the one that an earlier run has begun: kilnd knows it by its digest. Then sends
/// what is missing. A kilnd of an earlier version gets all of it in one request.
aio::task<result<answer>> blend_source::send(caller& kilnd, const std::string& id) const {
  request first;
  first.method = "POST";
  first.path = "/v1/blends?name=" + upload_name(path_);
  first.fields = {
      {"Content-Type", "application/octet-stream"},
      {"Upload-Draft-Interop-Version", "8"},
      {"Upload-Complete", "?0"},
      {"Upload-Length", std::to_string(size_)},
      {"Repr-Digest", digest::format_digest_field(std::string_view{id}.substr(id.find(':') + 1))}};
  auto begun = co_await kilnd.ask(first);
  if (!begun)
    co_return begun.error();
  const auto where = begun->find("location").value_or("");
  if (begun->status == 201 && begun->find("upload-complete") && where.starts_with('/')) {
    const auto prefix = kilnd.to().prefix;
    auto path = std::string{where.substr(where.starts_with(prefix + "/") ? prefix.size() : 0)};
    co_return co_await send_rest(kilnd, std::move(path));
  }
  constexpr int unprocessable = 422, bad_request = 400; // an empty file; a digest that is not of one
  if (begun->status != unprocessable && begun->status != bad_request)
    co_return begun;
  request all;
  all.method = "POST";
  all.path = first.path;
  all.fields = {first.fields.front()};
  all.file = opened_.get();
  all.file_size = size_;
  co_return co_await kilnd.ask(all);
}

/// Each round asks how much has come: the connection broke, or kilnd was started again.
aio::task<result<answer>> blend_source::send_rest(caller& kilnd, std::string where) const {
  for (;;) {
    request look;
    look.method = "HEAD";
    look.path = where;
    auto now = co_await kilnd.ask(look);
    if (!now || now->status / 100 != 2)
      co_return now;
    const auto offset = parse_number<std::uint64_t>(now->find("upload-offset").value_or(""));
    if (!offset || *offset > size_)
      co_return failure(exit_status::refused, "kilnd does not say how much of the .blend it has");
    const auto same = check_unchanged();
    if (!same)
      co_return same.error();
    request rest;
    rest.method = "PATCH";
    rest.path = where;
    rest.fields = {{"Content-Type", "application/partial-upload"},
                   {"Upload-Complete", "?1"},
                   {"Upload-Offset", std::to_string(*offset)}};
    rest.file = opened_.get();
    rest.file_begin = *offset;
    rest.file_size = size_ - *offset;
    auto sent = co_await kilnd.ask_once(rest);
    const bool is_cut = !sent && status_of(sent.error()) == exit_status::not_reached;
    constexpr int conflict = 409;
    if (!is_cut && !(sent && sent->status == conflict))
      co_return sent;
    const std::chrono::milliseconds moment{200};
    co_await kilnd.pause(moment); // HEAD waits for a kilnd that is away
  }
}

} // namespace kiln::client

// SPDX-License-Identifier: Apache-2.0
#include "api/frames.hpp"

#include "api/answers.hpp"
#include "api/frames_zip.hpp"
#include "api/query.hpp"
#include "base/number.hpp"
#include "blender/output_name.hpp"
#include "digest/digest_field.hpp"
#include "digest/sha256.hpp"
#include "domain/image_format.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include <unistd.h>

namespace kiln::api {
namespace {

using access::role;
using http::answer;
using http::response;

std::string_view media_type_of(std::string_view name) noexcept {
  const auto dot = std::min(name.rfind('.'), name.size());
  const auto* format = domain::find_format_by_extension(name.substr(dot));
  return format ? format->media_type : "application/octet-stream";
}

/// The SHA-256 of a file; nullopt if it cannot be read to its end. Blocks.
std::optional<std::string> digest_of(int file, std::uint64_t size) {
  constexpr std::size_t at_once = 1 << 20;
  digest::sha256_hasher hasher;
  std::vector<char> piece(static_cast<std::size_t>(std::min<std::uint64_t>(size, at_once)));
  for (std::uint64_t at = 0; at < size;) {
    const auto got =
        ::pread(file, piece.data(), std::min<std::uint64_t>(piece.size(), size - at), static_cast<off_t>(at));
    if (got <= 0)
      return std::nullopt;
    hasher.add(piece.data(), static_cast<std::size_t>(got));
    at += static_cast<std::uint64_t>(got);
  }
  return hasher.hex();
}

} // namespace

frames::frames(scheduler::scheduler& of, output::output_store& files, aio::blocking_pool& pool)
    : scheduler_(of), output_(files), pool_(pool) {}

void frames::add_routes(http::service& to) {
  using http::request;
  to.on("GET", "/v1/jobs/{id}/frames.zip", role::read, [this](const request& asked) { return zip(asked); });
  to.on("GET", "/v1/jobs/{id}/frames/{frame}", role::read,
        [this](const request& asked) { return image(asked); });
  to.on("GET", "/v1/jobs/{id}/outputs/{name}", role::read,
        [this](const request& asked) { return output(asked); });
}

aio::task<answer> frames::answer_with(const http::request& asked, output::result_file file) {
  response head{.status = 200,
                .content_type = std::string{media_type_of(file.name)},
                .body = {},
                .cache_control = "private, no-cache"};
  head.fields.emplace_back("Content-Disposition", fmt::format("inline; filename=\"{}\"", file.name));
  const http::validators now{.etag = fmt::format("\"{}\"", file.mark), .modified = file.modified};
  const auto part = choose_part(asked, now, file.size, head, "the image");
  if (!part)
    co_return head;
  if (digest::wants_sha256(asked.find("Want-Repr-Digest").value_or(""))) {
    constexpr std::size_t most_digests = 131'072;
    auto known = digests_.find(file.mark);
    if (known == digests_.end()) {
      const auto hash_here = [opened = file.file, size = file.size] {
        return digest_of(opened->get(), size);
      };
      auto made = co_await pool_.run(hash_here);
      if (digests_.size() >= most_digests)
        digests_.clear(); // they are computed again
      if (made)
        known = digests_.insert_or_assign(file.mark, std::move(*made)).first;
      else
        known = digests_.end();
    }
    if (known != digests_.end())
      head.fields.emplace_back("Repr-Digest", digest::format_digest_field(known->second));
  }
  http::large_body body = http::file_body{std::move(file.file), part->offset, part->length};
  co_return answer{head, std::move(body)};
}

aio::task<answer> frames::image(const http::request& asked) {
  const auto of = co_await find_job(scheduler_, asked);
  if (!of)
    co_return refusal_of(of.error());
  const auto frame = parse_frame(asked.item);
  if (!frame || !(*of)->spec.frames.contains(*frame))
    co_return problem(404, "this is not a frame of the job");
  auto file = co_await output_.open_frame((*of)->id, *frame);
  if (!file && file.error().code == errc::not_found)
    co_return not_there(scheduler_, **of, fmt::format("frame {}", *frame));
  if (!file)
    co_return refusal_of(file.error());
  co_return co_await answer_with(asked, std::move(*file));
}

aio::task<answer> frames::output(const http::request& asked) {
  const auto of = co_await find_job(scheduler_, asked);
  if (!of)
    co_return refusal_of(of.error());
  const auto name = blender::parse_output_name(asked.item);
  if (!name || !(*of)->spec.frames.contains(name->frame))
    co_return problem(404, "this is not a further file of a frame of the job");
  const auto frame = co_await output_.open_frame((*of)->id, name->frame); // it is published last
  if (!frame && frame.error().code == errc::not_found)
    co_return not_there(scheduler_, **of, fmt::format("frame {}", name->frame));
  auto wanted = std::string{asked.item};
  auto file = co_await output_.open_output((*of)->id, std::move(wanted));
  if (!file && file.error().code == errc::not_found)
    co_return problem(404, fmt::format("frame {} has no such further file", name->frame));
  if (!file)
    co_return refusal_of(file.error());
  co_return co_await answer_with(asked, std::move(*file));
}

aio::task<answer> frames::zip(const http::request& asked) {
  const auto of = co_await find_job(scheduler_, asked);
  if (!of)
    co_return refusal_of(of.error());
  const auto there = co_await output_.published((*of)->id);
  const auto& wanted = (*of)->spec.frames;
  auto done = wanted.without(wanted.without(there));
  if (done.empty())
    co_return not_there(scheduler_, **of, "any frame");
  auto listed = co_await output_.list_results((*of)->id, std::move(done));
  if (!listed)
    co_return refusal_of(listed.error());
  auto describe_here = [files = std::move(*listed)]() mutable { return describe(std::move(files)); };
  const std::shared_ptr<const zip_contents> contents = co_await pool_.run(std::move(describe_here));
  response head{
      .status = 200, .content_type = "application/zip", .body = {}, .cache_control = "private, no-cache"};
  head.fields.emplace_back("Content-Disposition",
                           fmt::format("attachment; filename=\"{}.zip\"", (*of)->id.str()));
  const http::validators now{.etag = contents->etag};
  std::vector<http::field> fields{asked.fields.begin(), asked.fields.end()};
  if (!domain::is_final((*of)->state) && !asked.find("If-Range"))
    std::erase_if(fields, [](const http::field& f) { return http::equals_ignoring_case(f.name, "Range"); });
  auto followed = asked; // while frames come, a range is one of the archive that its client knows, or none
  followed.fields = fields;
  const auto part = choose_part(followed, now, contents->layout.size(), head, "the archive");
  if (!part)
    co_return head;
  http::large_body body =
      std::make_shared<zip_stream>(output_, pool_, checksums_, (*of)->id, contents, *part);
  co_return answer{head, std::move(body)};
}

} // namespace kiln::api

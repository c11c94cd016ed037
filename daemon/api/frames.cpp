// SPDX-License-Identifier: Apache-2.0
#include "api/frames.hpp"

#include "api/answers.hpp"
#include "archive/zip_writer.hpp"
#include "base/number.hpp"
#include "blender/output_name.hpp"
#include "domain/image_format.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include <unistd.h>

namespace kiln::api {
namespace {

using access::role;
using http::answer;
using http::response;

constexpr std::size_t piece_size = 256 * 1024; ///< of a file, at once in memory

std::string_view media_type_of(std::string_view name) noexcept {
  const auto dot = std::min(name.rfind('.'), name.size());
  const auto* format = domain::find_format_by_extension(name.substr(dot));
  return format ? format->media_type : "application/octet-stream";
}

std::optional<int> parse_frame(std::string_view text) {
  const auto frame = parse_number<int>(text);
  return frame && std::to_string(*frame) == text ? frame : std::nullopt;
}

/// An image, a frame's or a further one, in the answer to a request for it.
answer image_answer(const http::request& asked, output::result_file file) {
  response head{.status = 200,
                .content_type = std::string{media_type_of(file.name)},
                .body = {},
                .cache_control = "private, no-cache"};
  head.fields.emplace_back("Content-Disposition", fmt::format("inline; filename=\"{}\"", file.name));
  return file_answer(asked, std::move(head), std::move(file), "the image");
}

/// Frames of a job, each with its further files, in one archive, made while it is sent.
class zip_stream final : public http::body_stream {
public:
  zip_stream(output::output_store& files, aio::blocking_pool& pool, job_id of, domain::frame_set which,
             output::outputs_of_frames further)
      : output_(files), pool_(pool), job_(of), left_(std::move(which)), next_(left_.begin()),
        further_(std::move(further)) {}

  aio::task<std::string_view> next() override {
    do {
      if (!file_.file && !names_.empty()) {
        auto name = std::move(names_.back());
        names_.pop_back();
        auto opened = co_await output_.open_output(job_, std::move(name));
        begin(std::move(opened));
      } else if (!file_.file && next_ != left_.end()) {
        const int frame = *next_;
        ++next_;
        auto opened = co_await output_.open_frame(job_, frame);
        begin(std::move(opened));
        if (const auto found = further_.find(frame); found != further_.end())
          names_.assign(found->second.rbegin(), found->second.rend());
      }
      const auto go_on_here = [this] { return go_on(); };
      part_ = co_await pool_.run(go_on_here);
    } while (part_.empty() && !finished_);
    co_return part_;
  }

private:
  void begin(result<output::result_file> opened) {
    if (!opened)
      throw std::runtime_error(opened.error().message); // it was there a moment ago
    file_ = std::move(*opened);
    zip_.begin_file(file_.name, file_.size, file_.modified);
    at_ = 0;
  }

  std::string go_on() {
    if (file_.file) {
      add_piece();
    } else if (!std::exchange(finished_, true)) {
      zip_.finish();
    }
    return zip_.take();
  }

  void add_piece() {
    piece_.resize(std::min<std::uint64_t>(piece_size, file_.size - at_));
    const auto got = piece_.empty()
                         ? 0
                         : ::pread(file_.file->get(), piece_.data(), piece_.size(), static_cast<off_t>(at_));
    if (got < 0 || (got == 0 && !piece_.empty()))
      throw std::runtime_error(file_.name + " became shorter while it was read");
    zip_.write({piece_.data(), static_cast<std::size_t>(got)});
    at_ += static_cast<std::uint64_t>(got);
    if (at_ == file_.size)
      file_ = {};
  }

  output::output_store& output_;
  aio::blocking_pool& pool_;
  job_id job_;
  domain::frame_set left_;
  domain::frame_set::iterator next_;
  output::outputs_of_frames further_;
  std::vector<std::string> names_; ///< further files of the last frame that are left, in reverse
  archive::zip_writer zip_;
  output::result_file file_; ///< that is being added
  std::uint64_t at_ = 0;
  bool finished_ = false;
  std::string piece_;
  std::string part_;
};

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

answer frames::not_there(const scheduler::job& of, std::string_view what) {
  if (domain::is_final(of.state))
    return problem(404, fmt::format("the job is {}, and {} is not there", domain::to_string(of.state), what));
  return {problem(409, fmt::format("{} is not rendered yet", what)), scheduler_.retry_after(of)};
}

aio::task<answer> frames::image(const http::request& asked) {
  const auto id = job_id::parse(asked.id);
  if (!id)
    co_return problem(404, "this is not the id of a job");
  const auto of = co_await scheduler_.look_up(*id);
  if (!of)
    co_return refusal_of(of.error());
  const auto frame = parse_frame(asked.item);
  if (!frame || !(*of)->spec.frames.contains(*frame))
    co_return problem(404, "this is not a frame of the job");
  auto file = co_await output_.open_frame(*id, *frame);
  if (!file && file.error().code == errc::not_found)
    co_return not_there(**of, fmt::format("frame {}", *frame));
  if (!file)
    co_return refusal_of(file.error());
  co_return image_answer(asked, std::move(*file));
}

aio::task<answer> frames::output(const http::request& asked) {
  const auto id = job_id::parse(asked.id);
  if (!id)
    co_return problem(404, "this is not the id of a job");
  const auto of = co_await scheduler_.look_up(*id);
  if (!of)
    co_return refusal_of(of.error());
  const auto name = blender::parse_output_name(asked.item);
  if (!name || !(*of)->spec.frames.contains(name->frame))
    co_return problem(404, "this is not a further file of a frame of the job");
  const auto frame = co_await output_.open_frame(*id, name->frame); // it is published last
  if (!frame && frame.error().code == errc::not_found)
    co_return not_there(**of, fmt::format("frame {}", name->frame));
  auto wanted = std::string{asked.item};
  auto file = co_await output_.open_output(*id, std::move(wanted));
  if (!file && file.error().code == errc::not_found)
    co_return problem(404, fmt::format("frame {} has no such further file", name->frame));
  if (!file)
    co_return refusal_of(file.error());
  co_return image_answer(asked, std::move(*file));
}

aio::task<answer> frames::zip(const http::request& asked) {
  const auto id = job_id::parse(asked.id);
  if (!id)
    co_return problem(404, "this is not the id of a job");
  const auto of = co_await scheduler_.look_up(*id);
  if (!of)
    co_return refusal_of(of.error());
  const auto there = co_await output_.published(*id);
  const auto& wanted = (*of)->spec.frames;
  auto done = wanted.without(wanted.without(there));
  if (done.empty())
    co_return not_there(**of, "any frame");
  response head{.status = 200, .content_type = "application/zip", .body = {}};
  head.fields.emplace_back("Content-Disposition", fmt::format("attachment; filename=\"{}.zip\"", id->str()));
  auto further = co_await output_.outputs(*id);
  http::large_body body =
      std::make_shared<zip_stream>(output_, pool_, *id, std::move(done), std::move(further));
  co_return answer{head, std::move(body)};
}

} // namespace kiln::api

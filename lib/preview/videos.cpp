// SPDX-License-Identifier: Apache-2.0
#include "preview/videos.hpp"

#include "aio/directory.hpp"
#include "domain/frame_set.hpp"
#include "output/views.hpp"
#include "preview/video_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace kiln::preview {
namespace {

error no_such_video() {
  return {errc::not_found, "there is no such video"};
}

/// What there is for a video.
struct material {
  std::vector<int> frames; ///< of each picture
  std::vector<std::string> marks;
  std::vector<int> missing;
};

/// A missing frame is the one before it, or the first that is there.
material gather(const std::filesystem::path& final_dir, const std::vector<int>& wanted) {
  material found;
  const auto looks = output::look_at_frames(final_dir, wanted);
  const auto first = std::ranges::find_if(looks, [](const auto& look) { return look.has_value(); });
  if (first == looks.end())
    return {.frames = {}, .marks = {}, .missing = wanted};
  auto at = static_cast<std::size_t>(first - looks.begin());
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (looks[i])
      at = i;
    else
      found.missing.push_back(wanted[i]);
    found.frames.push_back(wanted[at]);
    found.marks.push_back(looks[at]->mark);
  }
  return found;
}

} // namespace

struct videos::entry {
  job_id of;
  video shown;
  std::vector<int> frames;
  video_making* making = nullptr;
  bool is_canceled = false;
};

videos::videos(aio::executor_type loop, video_place where, image::decoding_image_check& decoder,
               previews& pictures, aio::blocking_pool& pool)
    : loop_(loop), where_(std::move(where)), decoder_(decoder), pictures_(pictures), pool_(pool),
      changed_(loop), work_(loop, [](const std::exception_ptr& thrown) { std::rethrow_exception(thrown); }) {}

videos::entry_ptr videos::live(const job_id& of, const std::string& id) const {
  const auto found = std::ranges::find_if(
      live_, [&](const entry_ptr& one) { return one->of == of && one->shown.id == id && !one->is_canceled; });
  return found == live_.end() ? nullptr : *found;
}

aio::task<result<video>> videos::make(job_id of, std::vector<int> frames, video_settings wanted) {
  const auto directory = where_.output / of.str();
  const auto find_here = [path = where_.search_path] { return find_video_programs(path); };
  const auto programs = co_await pool_.run(find_here);
  if (!programs)
    co_return programs.error();
  const auto gather_here = [directory, frames] { return gather(directory, frames); };
  auto found = co_await pool_.run(gather_here);
  if (found.frames.empty() || (!found.missing.empty() && !wanted.holds_gaps)) {
    const auto missing = domain::frame_set::of(std::move(found.missing));
    co_return error{
        errc::conflict,
        fmt::format("frames are missing: {}{}", domain::format_frame_set(missing),
                    found.frames.empty() ? "" : R"(; "gaps":"hold" shows the frame before again)")};
  }
  const auto one = std::make_shared<entry>();
  one->of = of;
  one->shown.id = video_id(wanted, found.marks);
  one->shown.settings = std::move(wanted);
  one->shown.frames = found.frames.size();
  one->frames = std::move(found.frames);
  const auto read_here = [directory, id = one->shown.id] { return read_video(directory, id); };
  auto before = co_await pool_.run(read_here);
  if (const auto same = live(of, one->shown.id))
    co_return same->shown;
  if (before && before->state == "succeeded")
    co_return std::move(*before);
  const auto look_here = [output = where_.output] { return aio::free_bytes(output); };
  if (co_await pool_.run(look_here) < where_.disk_reserve)
    co_return error{errc::no_room, "there is no room on the disk of the frames for a video"};
  if (const auto same = live(of, one->shown.id))
    co_return same->shown;
  if (is_stopping_ || live_.size() >= most_waiting)
    co_return error{errc::unavailable, is_stopping_ ? "kilnd is stopping" : "too many videos wait"};
  live_.push_back(one);
  const auto save_here = [directory, shown = one->shown] { return save_video(directory, shown); };
  const auto saved = co_await pool_.run(save_here);
  if (saved && !is_stopping_) {
    work_.spawn(carry_out(one));
    co_return one->shown;
  }
  std::erase(live_, one);
  changed_.notify_all();
  co_return saved ? error{errc::unavailable, "kilnd is stopping"} : saved.error();
}

/// Waits for its turn.
aio::task<> videos::carry_out(entry_ptr one) {
  while (live_.front() != one && !one->is_canceled)
    co_await changed_.wait();
  if (!one->is_canceled)
    co_await perform(*one);
  std::erase(live_, one);
  changed_.notify_all();
}

aio::task<> videos::perform(entry& one) {
  if (!std::exchange(is_tidy_, true))
    co_await tidy();
  one.shown.state = "running";
  video_making making{loop_, where_, decoder_, pictures_, pool_, one.of, one.frames, one.shown};
  one.making = &making;
  if (one.is_canceled)
    making.cancel();
  auto failure = co_await making.run();
  one.making = nullptr;
  if (!failure)
    co_return co_await tidy();
  if (one.is_canceled)
    co_return;
  one.shown.state = "failed";
  one.shown.failure = std::move(failure);
  const auto save_here = [directory = where_.output / one.of.str(), shown = one.shown] {
    return save_video(directory, shown);
  };
  (void)co_await pool_.run(save_here);
}

aio::task<> videos::tidy() {
  const auto tidy_here = [output = where_.output, quota = where_.quota] {
    keep_quota(output, quota);
    return true;
  };
  (void)co_await pool_.run(tidy_here);
}

aio::task<std::vector<video>> videos::list(job_id of) {
  const auto read_here = [directory = where_.output / of.str()] { return read_videos(directory); };
  auto found = co_await pool_.run(read_here);
  for (auto& one : found)
    if (const auto now = live(of, one.id))
      one = now->shown;
  co_return found;
}

aio::task<result<video>> videos::find(job_id of, std::string id) {
  if (!is_video_id(id))
    co_return no_such_video();
  const auto read_here = [directory = where_.output / of.str(), id] { return read_video(directory, id); };
  auto found = co_await pool_.run(read_here);
  if (const auto now = live(of, id))
    co_return now->shown;
  if (!found)
    co_return no_such_video();
  co_return std::move(*found);
}

aio::task<result<output::result_file>> videos::open(job_id of, std::string id) {
  const auto found = co_await find(of, std::move(id));
  if (!found)
    co_return found.error();
  const auto open_here = [directory = where_.output / of.str(), what = *found] {
    return open_video(directory, what);
  };
  if (found->state == "succeeded")
    if (auto file = co_await pool_.run(open_here))
      co_return std::move(*file);
  co_return error{errc::conflict, found->failure ? "the video has failed: " + found->failure->message
                                                 : "the video is not whole yet"};
}

void videos::cancel(entry& one) {
  one.is_canceled = true;
  if (one.making)
    one.making->cancel();
  changed_.notify_all();
}

aio::task<result<void>> videos::remove(job_id of, std::string id) {
  const auto found = co_await find(of, id);
  if (!found)
    co_return found.error();
  if (const auto one = live(of, id)) {
    cancel(*one);
    while (std::ranges::find(live_, one) != live_.end())
      co_await changed_.wait();
  }
  if (live(of, id)) // asked for again meanwhile
    co_return result<void>{};
  const auto remove_here = [directory = where_.output / of.str(), id] {
    remove_video(directory, id);
    return true;
  };
  (void)co_await pool_.run(remove_here);
  co_return result<void>{};
}

aio::task<> videos::drop(job_id of) {
  const auto is_of_job = [of](const entry_ptr& one) { return one->of == of; };
  for (const auto& one : live_)
    if (is_of_job(one))
      cancel(*one);
  while (std::ranges::any_of(live_, is_of_job))
    co_await changed_.wait();
}

aio::task<> videos::stop() {
  is_stopping_ = true;
  for (const auto& one : live_)
    cancel(*one);
  co_await work_.join();
}

} // namespace kiln::preview

// SPDX-License-Identifier: Apache-2.0
#include "executor/frame_intake.hpp"

#include "blender/command_line.hpp"
#include "executor/workspace.hpp"
#include "image/largest_file.hpp"

#include <algorithm>
#include <memory>
#include <utility>

namespace kiln::executor {

using domain::failure;
using domain::failure_kind;

frame_intake::frame_intake(aio::blocking_pool& pool, image::image_check& images, places of,
                           domain::attempt_facts& facts)
    : pool_(pool), images_(images), places_(std::move(of)), facts_(facts) {}

aio::task<std::optional<published_frame>> frame_intake::consider(std::filesystem::path file,
                                                                 aio::clock::time_point closed) {
  const auto name = file.filename();
  const auto frame = blender::parse_frame_file_name(name.native());
  if (!frame || !facts_.requested.contains(*frame))
    co_return std::nullopt;
  const auto take_here = [file, of = places_] {
    auto taken = take(file, of.taken, of.how);
    using shared = std::shared_ptr<const taken_frame>;
    return taken ? result<shared>{std::make_shared<const taken_frame>(std::move(*taken))}
                 : result<shared>{taken.error()};
  };
  const auto taken = co_await pool_.run(take_here);
  if (!taken) {
    // A placeholder or an incomplete frame: counts only if it is still so at the end.
    if (taken.error().code == errc::corrupt)
      reject(*frame, taken.error().message);
    else if (taken.error().code != boost::system::errc::no_such_file_or_directory)
      complain_of_writing(*frame, taken.error()); // otherwise already published: it was closed twice
    co_return std::nullopt;
  }
  auto image = co_await images_.check((*taken)->file.get());
  if (image && (*taken)->size > image::largest_file(*image))
    image = error{errc::corrupt, "the file has more bytes than its pixels can need"};
  if (!image) {
    reject(*frame, image.error().message);
    const auto code = image.error().code;
    if (code == errc::unavailable || is_passing(code)) { // no verdict on the image: it stays
      complain(facts_, failure_of({code, "frames cannot be verified: " + image.error().message}));
      co_return std::nullopt;
    }
    const auto drop_here = [one = *taken] {
      drop(*one);
      return true;
    };
    (void)co_await pool_.run(drop_here);
    co_return std::nullopt;
  }
  const auto final_path = places_.final_dir / name;
  const auto publish_here = [one = *taken, final_path] { return publish(*one, final_path); };
  const auto done = co_await pool_.run(publish_here);
  if (!done) {
    complain_of_writing(*frame, done.error());
    co_return std::nullopt;
  }
  const bool is_new = !facts_.published.contains(*frame); // if not, written again: the newer counts
  accept(*frame);
  if (!is_new)
    co_return std::nullopt;
  co_return published_frame{*frame, final_path, *done, closed};
}

void frame_intake::complain_of_writing(int frame, const error& e) {
  auto why = write_failure(e);
  why.frame = frame;
  complain(facts_, std::move(why));
}

void frame_intake::accept(int frame) {
  facts_.published.add(frame);
  std::erase_if(facts_.rejected, [frame](const auto& known) { return known.frame == frame; });
}

void frame_intake::reject(int frame, std::string why) {
  auto& rejected = facts_.rejected; // sorted by frame
  const auto at = std::ranges::lower_bound(rejected, frame, {}, &domain::rejected_frame::frame);
  if (at != rejected.end() && at->frame == frame)
    at->why = std::move(why);
  else
    rejected.insert(at, {frame, std::move(why)});
}

void complain(domain::attempt_facts& to, failure what) {
  if (std::ranges::find(to.complaints, what.kind, &failure::kind) == to.complaints.end())
    to.complaints.push_back(std::move(what));
}

failure internal_failure(const std::string& what) {
  return {.kind = failure_kind::internal, .message = what};
}

failure failure_of(const error& e) {
  return {.kind = failure_kind::internal, .message = e.message, .passes = is_passing(e.code)};
}

void complain_of(domain::attempt_facts& to, const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& e) {
    complain(to, internal_failure(std::string{"the attempt failed inside Kiln: "} + e.what()));
  }
}

} // namespace kiln::executor

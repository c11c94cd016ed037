// SPDX-License-Identifier: Apache-2.0
#include "executor/frame_intake.hpp"

#include "blender/command_line.hpp"
#include "executor/workspace.hpp"

#include <algorithm>
#include <utility>

namespace kiln::executor {

using domain::failure;
using domain::failure_kind;

frame_intake::frame_intake(aio::blocking_pool& pool, image::image_check& images,
                           std::filesystem::path final_dir, domain::attempt_facts& facts)
    : pool_(pool), images_(images), final_dir_(std::move(final_dir)), facts_(facts) {}

aio::task<std::optional<published_frame>> frame_intake::consider(std::filesystem::path file,
                                                                 aio::clock::time_point closed) {
  const auto name = file.filename();
  const auto frame = blender::parse_frame_file_name(name.native());
  if (!frame || !facts_.requested.contains(*frame))
    co_return std::nullopt;
  const auto image = co_await images_.check(file);
  if (!image) {
    if (image.error().code == boost::system::errc::no_such_file_or_directory)
      co_return std::nullopt;                    // published already: it was closed twice
    if (image.error().code == errc::unavailable) // nothing is said about the image
      complain(facts_, internal_failure("frames cannot be verified: " + image.error().message));
    // A placeholder, or half a frame: it counts only if it is still so at the end.
    reject(*frame, image.error().message);
    co_return std::nullopt;
  }
  const auto final_path = final_dir_ / name;
  const auto publish_here = [file, final_path] { return publish(file, final_path); };
  const auto done = co_await pool_.run(publish_here);
  if (!done) {
    auto why = write_failure(done.error());
    why.frame = frame;
    complain(facts_, std::move(why));
    co_return std::nullopt;
  }
  const bool is_new = !facts_.published.contains(*frame); // else Blender wrote it again: the newer one stands
  accept(*frame);
  if (!is_new)
    co_return std::nullopt;
  co_return published_frame{*frame, final_path, *done, closed};
}

void frame_intake::accept(int frame) {
  facts_.published.add(frame);
  std::erase_if(facts_.rejected, [frame](const auto& known) { return known.frame == frame; });
}

void frame_intake::reject(int frame, std::string why) {
  auto& rejected = facts_.rejected; // in the order of their frames
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

void complain_of(domain::attempt_facts& to, const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& e) {
    complain(to, internal_failure(std::string{"the attempt failed inside Kiln: "} + e.what()));
  }
}

} // namespace kiln::executor

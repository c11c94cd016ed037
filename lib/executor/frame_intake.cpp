// SPDX-License-Identifier: Apache-2.0
#include "executor/frame_intake.hpp"

#include "blender/command_line.hpp"
#include "blender/output_name.hpp"
#include "executor/workspace.hpp"
#include "image/largest_file.hpp"
#include "output/results.hpp"
#include "output/views.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace kiln::executor {

using domain::failure;
using domain::failure_kind;

namespace {

constexpr std::size_t most_further = 256; // files of a frame besides it, all open until they are published

/// The names of the files that Blender has written besides a frame, sorted.
std::vector<std::string> further_files(const std::filesystem::path& workspace, int frame) {
  auto names = output::list_files(workspace);
  std::erase_if(names, [frame](const std::string& name) {
    const auto parsed = blender::parse_output_name(name);
    return !parsed || parsed->frame != frame;
  });
  std::ranges::sort(names);
  return names;
}

} // namespace

frame_intake::frame_intake(aio::blocking_pool& pool, image::image_check& images, places of,
                           domain::attempt_facts& facts)
    : pool_(pool), images_(images), places_(std::move(of)), facts_(facts) {}

aio::task<std::optional<published_frame>> frame_intake::consider(std::filesystem::path file,
                                                                 aio::clock::time_point closed) {
  const auto name = file.filename();
  const auto frame = blender::parse_frame_file_name(name.native());
  if (!frame || !facts_.requested.contains(*frame))
    co_return std::nullopt;
  auto image = co_await take_image(*frame, file, false);
  if (!image.file)
    co_return std::nullopt;
  const auto list_here = [workspace = file.parent_path(), frame] { return further_files(workspace, *frame); };
  const auto names = co_await pool_.run(list_here);
  if (names.size() > most_further) {
    reject(*frame, "there are more than " + std::to_string(most_further) + " further files of it");
    co_return std::nullopt;
  }
  std::vector<std::pair<taken_ptr, std::filesystem::path>> all; // each with its final path
  for (const auto& further : names) {
    auto path = file.parent_path() / further;
    auto taken = co_await take_image(*frame, std::move(path), true);
    if (!taken.file) // what was taken stays: put_back() brings it together for another look
      co_return std::nullopt;
    all.emplace_back(std::move(taken.file), places_.final_dir / further);
  }
  const auto final_path = places_.final_dir / name;
  all.emplace_back(std::move(image.file), final_path); // the last one: with it the frame is published
  const auto publish_here = [all, frame, picture = std::move(image.picture)] {
    std::uintmax_t bytes = 0;
    for (const auto& [taken, path] : all) {
      const auto done = publish(*taken, path);
      if (!done)
        return result<std::uintmax_t>{done.error()};
      bytes += *done;
    }
    const auto& [image_file, image_path] = all.back();
    const auto name = output::preview_name(*frame, output::mark_of(image_file->file));
    if (!picture.empty())
      (void)output::save_view(image_path.parent_path(), name, picture); // if not, it is made on demand
    return result<std::uintmax_t>{bytes};
  };
  const auto done = co_await pool_.run(publish_here);
  if (!done) {
    complain_of_writing(*frame, done.error());
    co_return std::nullopt;
  }
  const bool is_new = !facts_.published.contains(*frame); // if not, written again: the newer counts
  accept(*frame);
  if (!is_new)
    co_return std::nullopt;
  co_return published_frame{*frame, final_path, *done, closed, std::nullopt, names};
}

/// Takes a file and verifies it: the file of a frame, or a further one of it. Null if it is not a complete
/// image; the reason is recorded.
aio::task<frame_intake::taken_image> frame_intake::take_image(int frame, std::filesystem::path file,
                                                              bool is_further) {
  const auto take_here = [file, of = places_] {
    auto taken = take(file, of.taken, of.how);
    return taken ? result<taken_ptr>{std::make_shared<const taken_frame>(std::move(*taken))}
                 : result<taken_ptr>{taken.error()};
  };
  const auto taken = co_await pool_.run(take_here);
  const auto which = is_further ? file.filename().native() + ": " : std::string{};
  if (!taken) {
    // A placeholder or an incomplete frame: counts only if it is still so at the end.
    if (taken.error().code == errc::corrupt)
      reject(frame, which + taken.error().message);
    else if (taken.error().code != boost::system::errc::no_such_file_or_directory)
      complain_of_writing(frame, taken.error()); // otherwise already published: it was closed twice
    co_return taken_image{};
  }
  auto image = co_await images_.check((*taken)->file.get());
  if (image && (*taken)->size > image::largest_file(*image))
    image = error{errc::corrupt, "the file has more bytes than its pixels can need"};
  if (image)
    co_return taken_image{.file = *taken, .picture = std::move(image->picture)};
  reject(frame, which + image.error().message);
  const auto code = image.error().code;
  if (code == errc::unavailable || is_passing(code)) { // no verdict on the image: it stays
    complain(facts_, failure_of({code, "frames cannot be verified: " + image.error().message}));
    co_return taken_image{};
  }
  if (is_further) // it stays, because without it the frame would look complete
    co_return taken_image{};
  const auto drop_here = [one = *taken] {
    drop(*one);
    return true;
  };
  (void)co_await pool_.run(drop_here);
  co_return taken_image{};
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

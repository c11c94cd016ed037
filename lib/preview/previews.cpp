// SPDX-License-Identifier: Apache-2.0
#include "preview/previews.hpp"

#include "digest/sha256.hpp"
#include "image/file_source.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <system_error>
#include <utility>

#include <sys/mman.h>
#include <unistd.h>

namespace kiln::preview {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view made = "made/";

bool is_usual(const image::picture_wish& wish) {
  return wish == image::picture_wish{};
}

std::string name_of(int frame, const output::result_file& image, const image::picture_wish& wish) {
  auto usual = output::preview_name(frame, image.mark);
  if (is_usual(wish))
    return usual;
  const auto of = digest::sha256(usual + image::format_picture_wish(wish));
  return fmt::format("{}{:06}-{}.webp", made, frame, of.substr(0, 32));
}

std::optional<std::string> read_picture(const fs::path& final_dir, const std::string& name) {
  constexpr std::uint64_t largest = 1 << 20;
  const auto file = output::open_view(final_dir, name);
  if (!file || file->size > largest)
    return std::nullopt;
  std::string bytes(static_cast<std::size_t>(file->size), '\0');
  auto source = image::file_source::of(file->file->get());
  if (!source || !source->read(0, std::as_writable_bytes(std::span{bytes})))
    return std::nullopt;
  return bytes;
}

/// A file that has no name, for the decoder.
result<aio::unique_descriptor> hold(std::string_view bytes) {
  aio::unique_descriptor file{::memfd_create("sheet", MFD_CLOEXEC)};
  if (!file.is_open())
    return system_error(errno, "make room for a sheet");
  while (!bytes.empty()) {
    const auto done = ::write(file.get(), bytes.data(), bytes.size());
    if (done < 0)
      return system_error(errno, "make room for a sheet");
    bytes.remove_prefix(static_cast<std::size_t>(done));
  }
  return file;
}

} // namespace

previews::previews(aio::executor_type loop, image::decoding_image_check& decoder, aio::blocking_pool& pool,
                   fs::path output, std::uintmax_t quota)
    : decoder_(decoder), pool_(pool), output_(std::move(output)), quota_(quota), made_(loop) {}

aio::task<result<output::result_file>> previews::of_frame(job_id of, int frame, output::result_file image,
                                                          image::picture_wish wish, shown_colours colours) {
  wish.cube = colours.key;
  auto name = name_of(frame, image, wish);
  maker make = [this, file = image.file, wish, colours = std::move(colours)] {
    return draw(file, wish, colours);
  };
  co_return co_await find_or_make(of, std::move(name), std::move(make));
}

aio::task<result<image::image_facts>> previews::draw(shown_colours::open_file image, image::picture_wish wish,
                                                     shown_colours colours) {
  shown_colours::open_file cube;
  if (!colours.key.empty()) {
    auto found = co_await colours.cube();
    if (!found)
      co_return found.error();
    cube = std::move(*found);
  }
  co_return co_await decoder_.draw(image->get(), std::move(wish), -1, cube ? cube->get() : -1);
}

aio::task<result<output::result_file>> previews::find_or_make(job_id of, std::string name, maker make) {
  const auto key = of.str() + "/" + name;
  const auto open_here = [directory = output_ / of.str(), name] {
    return output::open_view(directory, name);
  };
  struct mark {
    mark(previews& p, std::string k) : in(p), key(std::move(k)) { in.in_work_.insert(key); }
    mark(const mark&) = delete;
    mark& operator=(const mark&) = delete;
    ~mark() {
      in.in_work_.erase(key);
      in.made_.notify_all();
    }
    previews& in;
    std::string key;
  };
  while (in_work_.contains(key))
    co_await made_.wait();
  const mark here{*this, key};
  if (auto found = co_await pool_.run(open_here))
    co_return std::move(*found);
  auto drawn = co_await make();
  if (!drawn)
    co_return drawn.error();
  if (drawn->picture.empty())
    co_return error{errc::corrupt, "no picture can be made of it"};
  const auto bytes = drawn->picture.size();
  const auto save_here = [directory = output_ / of.str(), name, picture = std::move(drawn->picture)] {
    const auto saved = output::save_view(directory, name, picture);
    auto opened = saved ? output::open_view(directory, name) : std::nullopt;
    if (opened)
      return result<output::result_file>{std::move(*opened)};
    return result<output::result_file>{
        error{errc::unavailable, saved ? std::string{"the job was removed meanwhile"}
                                       : "the picture cannot be kept: " + saved.error().message}};
  };
  auto file = co_await pool_.run(save_here);
  if (file && name.starts_with(made)) {
    auto path = output::views_of(output_ / of.str()) / name;
    co_await count(std::move(path), bytes);
  }
  co_return file;
}

/// Removes the oldest of those made on demand, until the rest is within the quota.
aio::task<> previews::count(fs::path path, std::uintmax_t bytes) {
  if (!std::exchange(has_listed_, true)) {
    const auto list_here = [output = output_] { return output::list_made_views(output); };
    const auto before = co_await pool_.run(list_here);
    std::set<fs::path> known{path};
    for (const auto& one : kept_) // made while the list was
      known.insert(one.path);
    for (auto one = before.rbegin(); one != before.rend(); ++one)
      if (!known.contains(one->path)) {
        kept_.push_front(*one);
        kept_bytes_ += one->bytes;
      }
  }
  kept_.push_back({std::move(path), bytes});
  kept_bytes_ += bytes;
  std::vector<fs::path> over;
  while (kept_bytes_ > quota_ && !kept_.empty()) {
    kept_bytes_ -= kept_.front().bytes;
    over.push_back(std::move(kept_.front().path));
    kept_.pop_front();
  }
  if (over.empty())
    co_return;
  const auto remove_here = [over = std::move(over)] {
    std::error_code ignored;
    for (const auto& one : over)
      fs::remove(one, ignored);
    return true;
  };
  (void)co_await pool_.run(remove_here);
}

aio::task<result<output::result_file>> previews::sheet(job_id of, std::vector<int> frames) {
  const auto look_here = [directory = output_ / of.str(), frames] {
    return output::look_at_frames(directory, frames);
  };
  const auto looks = co_await pool_.run(look_here);
  std::string all;
  std::vector<std::pair<int, std::string>> there; // frames, and the names of their pictures
  for (std::size_t i = 0; i < frames.size(); ++i) {
    there.emplace_back(frames[i], looks[i] ? output::preview_name(frames[i], looks[i]->mark) : std::string{});
    all += there.back().second + "\n";
  }
  if (std::ranges::all_of(there, [](const auto& one) { return one.second.empty(); }))
    co_return error{errc::not_found, "none of these frames is there"};
  auto name = fmt::format("{}sheet-{}.webp", made, digest::sha256(all).substr(0, 32));
  maker make = [this, of, there]() { return draw_sheet(of, there); };
  co_return co_await find_or_make(of, std::move(name), std::move(make));
}

aio::task<result<image::image_facts>> previews::draw_sheet(job_id of,
                                                           std::vector<std::pair<int, std::string>> cells) {
  const auto directory = output_ / of.str();
  const auto find_here = [directory, cells] {
    std::vector<bool> lacks;
    for (const auto& [frame, name] : cells)
      lacks.push_back(!name.empty() && !output::open_view(directory, name));
    return lacks;
  };
  const auto lacks = co_await pool_.run(find_here);
  for (std::size_t i = 0; i < cells.size(); ++i) { // frames of an older Kiln, or not decoded when they came
    if (!lacks[i])
      continue;
    const auto frame = cells[i].first;
    const auto open_here = [directory, frame] { return output::open_frame(directory, frame); };
    auto image = co_await pool_.run(open_here);
    image::picture_wish usual;
    shown_colours none;
    if (image)
      (void)co_await of_frame(of, frame, std::move(*image), std::move(usual), std::move(none));
  }
  const auto gather_here = [directory, cells] {
    std::string list;
    for (const auto& [frame, name] : cells)
      list += image::sheet_entry(name.empty() ? std::string{} : read_picture(directory, name).value_or(""));
    return hold(list);
  };
  const auto file = co_await pool_.run(gather_here);
  if (!file)
    co_return file.error();
  image::picture_wish wish;
  const auto count = static_cast<int>(cells.size());
  wish.columns = std::min(sheet_columns, count);
  wish.rows = (count + wish.columns - 1) / wish.columns;
  co_return co_await decoder_.draw(file->get(), std::move(wish));
}

} // namespace kiln::preview

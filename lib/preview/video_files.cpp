// SPDX-License-Identifier: Apache-2.0
#include "preview/video_files.hpp"

#include "aio/directory.hpp"
#include "aio/unique_descriptor.hpp"
#include "image/file_source.hpp"
#include "output/views.hpp"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <cerrno>
#include <span>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace kiln::preview {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view directory_name = "videos";
constexpr std::string_view record_extension = ".json";
constexpr std::string_view work_extension = ".work";

error refused(int errno_value, const std::string& what) {
  if (errno_value == ENOSPC || errno_value == EDQUOT)
    return {errc::no_room, "there is no room on the disk of the frames for a video"};
  return system_error(errno_value, what);
}

std::string file_name(const video& of) {
  return of.id + std::string{extension_of(of.settings.codec)};
}

std::optional<std::string> read_text(const fs::path& file) {
  constexpr std::uint64_t longest = 1 << 16;
  const auto opened = output::open_file(file);
  if (!opened || opened->size > longest)
    return std::nullopt;
  std::string text(static_cast<std::size_t>(opened->size), '\0');
  auto source = image::file_source::of(opened->file->get());
  if (!source || !source->read(0, std::as_writable_bytes(std::span{text})))
    return std::nullopt;
  return text;
}

} // namespace

fs::path videos_of(const fs::path& final_dir) {
  return output::views_of(final_dir) / directory_name;
}

fs::path work_of(const fs::path& final_dir, const video& of) {
  return videos_of(final_dir) / (of.id + std::string{work_extension});
}

result<void> save_video(const fs::path& final_dir, const video& of) {
  const auto name = std::string{directory_name} + "/" + of.id + std::string{record_extension};
  const auto saved = output::save_view(final_dir, name, boost::json::serialize(format_video(of)));
  std::error_code ec;
  if (saved && !fs::exists(final_dir, ec))
    return error{errc::not_found, "the job was removed meanwhile"};
  return saved ? saved : result<void>{refused(saved.error().code.value(), saved.error().message)};
}

std::optional<video> read_video(const fs::path& final_dir, const std::string& id) {
  const auto text = read_text(videos_of(final_dir) / (id + std::string{record_extension}));
  auto read = text ? parse_video(*text) : std::nullopt;
  if (!read || read->id != id)
    return std::nullopt;
  if (const auto file = open_video(final_dir, *read)) {
    read->state = "succeeded";
    read->bytes = file->size;
    read->failure.reset();
    return read;
  }
  read->state = "failed";
  if (!read->failure)
    read->failure = video_failure{"interrupted", "kilnd ended while the video was made: ask for it again"};
  return read;
}

std::vector<video> read_videos(const fs::path& final_dir) {
  std::vector<video> found;
  for (const auto& name : output::list_files(videos_of(final_dir)))
    if (name.ends_with(record_extension))
      if (auto one = read_video(final_dir, name.substr(0, name.size() - record_extension.size())))
        found.push_back(std::move(*one));
  std::ranges::sort(found, {}, &video::id);
  return found;
}

std::optional<output::result_file> open_video(const fs::path& final_dir, const video& of) {
  return output::open_file(videos_of(final_dir) / file_name(of));
}

result<fs::path> begin_work(const fs::path& final_dir, const video& of) {
  const auto work = work_of(final_dir, of);
  std::error_code ec;
  fs::remove_all(work, ec);
  fs::create_directory(work, ec); // its parent has the record
  if (ec)
    return refused(ec.value(), "create " + work.native());
  return fs::canonical(work, ec);
}

void end_work(const fs::path& final_dir, const video& of) {
  std::error_code ignored;
  fs::remove_all(work_of(final_dir, of), ignored);
}

result<void> publish_video(const fs::path& final_dir, video& of, const fs::path& file) {
  const aio::unique_descriptor written{::open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC)};
  if (!written.is_open() || ::fsync(written.get()) != 0)
    return refused(errno, "sync " + file.native());
  std::error_code ec;
  of.bytes = fs::file_size(file, ec);
  if (const auto saved = save_video(final_dir, of); !saved)
    return saved;
  const auto to = videos_of(final_dir) / file_name(of);
  fs::rename(file, to, ec);
  if (ec)
    return refused(ec.value(), "rename " + file.native());
  (void)aio::sync_directory(to.parent_path());
  return {};
}

void remove_video(const fs::path& final_dir, const std::string& id) {
  std::error_code ignored;
  for (const auto extension : {extension_of("vp9"), extension_of("h264"), record_extension})
    fs::remove(videos_of(final_dir) / (id + std::string{extension}), ignored);
}

void keep_quota(const fs::path& output, std::uintmax_t quota) {
  struct kept {
    fs::file_time_type when;
    fs::path file;
    std::uintmax_t bytes = 0;
  };
  std::vector<kept> all;
  std::uintmax_t bytes = 0;
  std::error_code ec, inner, ignored;
  const auto views = output::views_of(output / "job").parent_path();
  for (fs::directory_iterator job{views, ec}, end; !ec && job != end; job.increment(ec))
    for (fs::directory_iterator one{job->path() / directory_name, inner}; !inner && one != end;
         one.increment(inner)) {
      const auto extension = one->path().extension();
      if (extension == work_extension)
        fs::remove_all(one->path(), ignored);
      if (extension != extension_of("vp9") && extension != extension_of("h264"))
        continue;
      const auto size = one->file_size(ignored);
      all.push_back({one->last_write_time(ignored), one->path(), size});
      bytes += size;
    }
  std::ranges::sort(all, {}, &kept::when);
  for (std::size_t i = 0; i + 1 < all.size() && bytes > quota; ++i) {
    bytes -= all[i].bytes;
    fs::remove(all[i].file, ignored);
    fs::remove(all[i].file.replace_extension(record_extension), ignored);
  }
}

} // namespace kiln::preview

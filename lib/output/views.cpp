// SPDX-License-Identifier: Apache-2.0
#include "output/views.hpp"

#include "aio/unique_descriptor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace kiln::output {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view views_directory = ".views";

result<void> write_file(const fs::path& to, std::string_view bytes) {
  const aio::unique_descriptor file{
      ::open(to.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR | S_IRGRP)};
  if (!file.is_open())
    return last_error("create", to);
  while (!bytes.empty()) {
    const auto done = ::write(file.get(), bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR)
      continue;
    if (done < 0)
      return last_error("write", to);
    bytes.remove_prefix(static_cast<std::size_t>(done));
  }
  return {};
}

} // namespace

fs::path views_of(const fs::path& final_dir) {
  return final_dir.parent_path() / views_directory / final_dir.filename();
}

std::string preview_name(int frame, std::string_view mark) {
  return fmt::format("{:06}-{}.webp", frame, mark);
}

result<void> save_view(const fs::path& final_dir, const std::string& name, std::string_view bytes) {
  const auto directory = views_of(final_dir);
  const auto path = directory / name;
  std::error_code ec;
  fs::create_directories(path.parent_path(), ec);
  if (ec)
    return system_error(ec.value(), "create " + path.parent_path().native());
  auto part = path;
  part += ".part";
  auto written = write_file(part, bytes);
  if (written)
    fs::rename(part, path, ec);
  if (!written || ec) {
    std::error_code ignored;
    fs::remove(part, ignored);
    return written ? result<void>{system_error(ec.value(), "rename " + part.native())} : written;
  }
  if (!fs::exists(final_dir, ec)) // the job was removed meanwhile
    fs::remove_all(directory, ec);
  return {};
}

std::optional<result_file> open_view(const fs::path& final_dir, const std::string& name) {
  return open_file(views_of(final_dir) / name);
}

std::vector<std::optional<file_facts>> look_at_frames(const fs::path& final_dir,
                                                      const std::vector<int>& frames) {
  std::vector<std::optional<file_facts>> found;
  found.reserve(frames.size());
  for (const int frame : frames)
    found.push_back(look_at_frame(final_dir, frame));
  return found;
}

std::vector<made_view> list_made_views(const fs::path& output) {
  std::vector<std::pair<fs::file_time_type, made_view>> found;
  std::error_code ec;
  for (fs::directory_iterator job{output / views_directory, ec}, end; !ec && job != end; job.increment(ec)) {
    std::error_code inner;
    for (fs::directory_iterator one{job->path() / "made", inner}; !inner && one != end;
         one.increment(inner)) {
      std::error_code unread;
      const auto bytes = one->file_size(unread);
      const auto when = one->last_write_time(unread);
      if (!unread)
        found.emplace_back(when, made_view{one->path(), bytes});
    }
  }
  std::ranges::sort(found, {}, &std::pair<fs::file_time_type, made_view>::first);
  std::vector<made_view> views;
  views.reserve(found.size());
  for (auto& [when, view] : found)
    views.push_back(std::move(view));
  return views;
}

} // namespace kiln::output

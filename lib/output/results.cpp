// SPDX-License-Identifier: Apache-2.0
#include "output/results.hpp"

#include "blender/command_line.hpp"
#include "blender/output_name.hpp"
#include "domain/image_format.hpp"
#include "output/views.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>

namespace kiln::output {
namespace {

namespace fs = std::filesystem;

/// Bounded to the years 1970 to 9999: a scene can set any time on its files, and neither HTTP dates nor the
/// functions of the C library that the archive uses have one for all of them.
std::chrono::sys_seconds modified_of(const struct stat& facts) {
  constexpr std::int64_t latest = 253'402'300'799;
  const std::int64_t seconds = facts.st_mtim.tv_sec;
  return std::chrono::sys_seconds{std::chrono::seconds{std::clamp<std::int64_t>(seconds, 0, latest)}};
}

std::string format_mark(const struct stat& facts) {
  return fmt::format("{:x}-{:x}-{:x}{:08x}", facts.st_ino, facts.st_size, facts.st_mtim.tv_sec,
                     facts.st_mtim.tv_nsec);
}

std::optional<result_file> open_in(int directory, const std::string& name) {
  auto file = std::make_shared<const aio::unique_descriptor>(
      ::openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  struct stat facts {};
  if (!file->is_open() || ::fstat(file->get(), &facts) != 0 || !S_ISREG(facts.st_mode))
    return std::nullopt;
  return result_file{.file = std::move(file),
                     .name = name,
                     .size = static_cast<std::uint64_t>(facts.st_size),
                     .modified = modified_of(facts),
                     .mark = format_mark(facts)};
}

std::optional<file_facts> look_at(int directory, const std::string& name) {
  struct stat facts {};
  if (::fstatat(directory, name.c_str(), &facts, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(facts.st_mode))
    return std::nullopt;
  return file_facts{.name = name,
                    .size = static_cast<std::uint64_t>(facts.st_size),
                    .modified = modified_of(facts),
                    .mark = format_mark(facts)};
}

aio::unique_descriptor open_directory(const fs::path& path) {
  return aio::unique_descriptor{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
}

/// Also while a picture or a video that was asked for before is put there.
std::error_code remove_tree(const fs::path& directory) {
  constexpr int most_tries = 100;
  std::error_code ec;
  for (int tries = 0; tries < most_tries; ++tries) {
    fs::remove_all(directory, ec);
    if (ec != std::errc::directory_not_empty && ec != std::errc::no_such_file_or_directory)
      break;
  }
  return ec;
}

} // namespace

fs::path log_of(const attempt_id& id, const fs::path& state) {
  return state / "logs" / (id.str() + ".log");
}

std::optional<result_file> open_file(const fs::path& file) {
  return open_in(AT_FDCWD, file.native());
}

result<result_file> open_frame(const fs::path& final_dir, int frame) {
  const auto directory = open_directory(final_dir);
  for (const auto& format : domain::image_formats)
    if (auto found = open_in(directory.get(), blender::frame_file_name(frame, format.extension)))
      return std::move(*found);
  return error{errc::not_found, fmt::format("frame {} is not in {}", frame, final_dir.native())};
}

std::optional<file_facts> look_at_frame(const fs::path& final_dir, int frame) {
  for (const auto& format : domain::image_formats)
    if (auto found = look_at(AT_FDCWD, final_dir / blender::frame_file_name(frame, format.extension)))
      return found;
  return std::nullopt;
}

result<result_file> open_output(const fs::path& final_dir, const std::string& name) {
  if (blender::parse_output_name(name))
    if (auto found = open_in(open_directory(final_dir).get(), name))
      return std::move(*found);
  return error{errc::not_found, fmt::format("{} is not in {}", name, final_dir.native())};
}

result<result_file> open_result(const fs::path& final_dir, const std::string& name) {
  if (blender::parse_frame_file_name(name) || blender::parse_output_name(name))
    if (auto found = open_in(open_directory(final_dir).get(), name))
      return std::move(*found);
  return error{errc::not_found, fmt::format("{} is not in {}", name, final_dir.native())};
}

std::vector<result_file> open_logs(const job_id& of, int attempts, const fs::path& state) {
  std::vector<result_file> opened;
  for (int number = 1; number <= attempts; ++number)
    if (auto file = open_file(log_of({of, number}, state)))
      opened.push_back(std::move(*file));
  return opened;
}

std::vector<std::string> list_files(const fs::path& directory) {
  std::vector<std::string> names;
  std::error_code ec;
  for (fs::directory_iterator entry{directory, ec}, end; !ec && entry != end; entry.increment(ec))
    names.push_back(entry->path().filename().native());
  return names;
}

domain::frame_set published_frames(const fs::path& final_dir) {
  std::vector<int> frames;
  for (const auto& name : list_files(final_dir))
    if (const auto frame = blender::parse_frame_file_name(name); frame && *frame <= domain::max_frame)
      frames.push_back(*frame);
  return domain::frame_set::of(std::move(frames));
}

outputs_of_frames published_outputs(const fs::path& final_dir) {
  outputs_of_frames found;
  for (auto& name : list_files(final_dir))
    if (const auto parsed = blender::parse_output_name(name))
      found[parsed->frame].push_back(std::move(name));
  for (auto& [frame, names] : found)
    std::ranges::sort(names);
  return found;
}

result<std::vector<file_facts>> list_results(const fs::path& final_dir, const domain::frame_set& of) {
  const auto directory = open_directory(final_dir);
  const auto further = published_outputs(final_dir);
  std::vector<file_facts> found;
  found.reserve(of.size());
  for (const int frame : of) {
    std::optional<file_facts> image;
    for (const auto& format : domain::image_formats)
      if ((image = look_at(directory.get(), blender::frame_file_name(frame, format.extension))))
        break;
    if (!image)
      return error{errc::not_found, fmt::format("frame {} is not in {}", frame, final_dir.native())};
    found.push_back(std::move(*image));
    const auto names = further.find(frame);
    if (names == further.end())
      continue;
    for (const auto& name : names->second) {
      auto file = look_at(directory.get(), name);
      if (!file)
        return error{errc::not_found, fmt::format("{} is not in {}", name, final_dir.native())};
      found.push_back(std::move(*file));
    }
  }
  return found;
}

std::string mark_of(const aio::unique_descriptor& file) {
  struct stat facts {};
  return ::fstat(file.get(), &facts) == 0 ? format_mark(facts) : std::string{};
}

result<void> discard(const job_id& of, int attempts, const fs::path& output, const fs::path& state) {
  const auto frames = output / of.str();
  for (const auto& directory : {frames, views_of(frames)})
    if (const auto wrong = remove_tree(directory))
      return system_error(wrong.value(), "remove " + directory.native());
  std::error_code ec;
  for (int number = 1; number <= attempts; ++number) {
    const auto log = log_of({of, number}, state);
    fs::remove(log, ec);
    if (ec)
      return system_error(ec.value(), "remove " + log.native());
  }
  return {};
}

} // namespace kiln::output

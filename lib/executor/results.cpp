// SPDX-License-Identifier: Apache-2.0
#include "executor/results.hpp"

#include "blender/command_line.hpp"
#include "domain/image_format.hpp"
#include "executor/workspace.hpp"

#include <fmt/format.h>

#include <optional>

#include <fcntl.h>
#include <sys/stat.h>

namespace kiln::executor {
namespace {

namespace fs = std::filesystem;

std::optional<result_file> open_in(int directory, const std::string& name) {
  auto file = std::make_shared<const aio::unique_descriptor>(
      ::openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  struct stat facts {};
  if (!file->is_open() || ::fstat(file->get(), &facts) != 0 || !S_ISREG(facts.st_mode))
    return std::nullopt;
  return result_file{.file = std::move(file),
                     .name = name,
                     .size = static_cast<std::uint64_t>(facts.st_size),
                     .modified = std::chrono::sys_seconds{std::chrono::seconds{facts.st_mtim.tv_sec}},
                     .mark = fmt::format("{:x}-{:x}-{:x}{:08x}", facts.st_ino, facts.st_size,
                                         facts.st_mtim.tv_sec, facts.st_mtim.tv_nsec)};
}

aio::unique_descriptor open_directory(const fs::path& path) {
  return aio::unique_descriptor{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
}

} // namespace

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

std::vector<result_file> open_logs(const job_id& of, int attempts, const fs::path& state) {
  std::vector<result_file> opened;
  for (int number = 1; number <= attempts; ++number)
    if (auto file = open_file(log_of({of, number}, state)))
      opened.push_back(std::move(*file));
  return opened;
}

} // namespace kiln::executor

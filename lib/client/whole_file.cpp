// SPDX-License-Identifier: Apache-2.0
#include "client/whole_file.hpp"

#include "aio/directory.hpp"
#include "aio/unique_descriptor.hpp"

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

namespace kiln::client {

result<void> write_whole(const std::filesystem::path& file, std::string_view text) {
  std::error_code wrong;
  std::filesystem::create_directories(file.parent_path(), wrong);
  if (wrong)
    return system_error(wrong.value(), "create " + file.parent_path().native());
  auto beside = file;
  beside += ".part";
  const aio::unique_descriptor out{::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
  if (!out.is_open())
    return last_error("open", beside);
  while (!text.empty()) {
    const auto written = ::write(out.get(), text.data(), text.size());
    if (written < 0)
      return last_error("write", beside);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::fsync(out.get()) != 0)
    return last_error("sync", beside);
  if (std::rename(beside.c_str(), file.c_str()) != 0)
    return last_error("rename", file);
  return aio::sync_directory(file.parent_path());
}

result<std::optional<std::string>> read_whole(const std::filesystem::path& file) {
  errno = 0;
  std::ifstream in{file, std::ios::binary};
  if (!in.is_open()) {
    if (errno == ENOENT || errno == ENOTDIR)
      return std::optional<std::string>{};
    return last_error("open", file);
  }
  std::ostringstream text;
  text << in.rdbuf();
  return std::optional{std::move(text).str()};
}

} // namespace kiln::client

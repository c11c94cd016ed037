// SPDX-License-Identifier: Apache-2.0
#include "executor/attempt_places.hpp"

#include <system_error>

namespace kiln::executor {

namespace fs = std::filesystem;

namespace {

// An entry is a symbolic link whose target is the name: it is created atomically and needs no disk block.

result<void> keep(const fs::path& entry, const std::string& text) {
  std::error_code ec;
  fs::create_directories(entry.parent_path(), ec);
  if (!ec)
    fs::remove(entry, ec);
  if (!ec)
    fs::create_symlink(text, entry, ec);
  if (ec)
    return system_error(ec.value(), "write " + entry.native());
  return {};
}

} // namespace

fs::path place_entry(const attempt_id& id, const fs::path& state) {
  return state / "attempts" / id.str();
}

result<void> keep_session(const fs::path& entry, const std::string& session) {
  return keep(entry, session);
}

fs::path process_entry(const fs::path& directory, const fs::path& state) {
  return state / "processes" / directory.filename();
}

result<void> keep_process(const fs::path& entry, const std::string& identity) {
  return keep(entry, identity);
}

std::optional<std::string> kept_process(const fs::path& entry) {
  std::error_code ec;
  auto kept = fs::read_symlink(entry, ec).native();
  return ec ? std::nullopt : std::optional{std::move(kept)};
}

std::optional<std::string> kept_session(const fs::path& entry) {
  std::error_code ec;
  auto kept = fs::read_symlink(entry, ec).native();
  if (ec || !kept.starts_with(session_directory_prefix) || kept.find('/') != std::string::npos)
    return std::nullopt;
  return kept;
}

void forget_other_places(const std::set<attempt_id>& kept, const fs::path& state) noexcept {
  std::error_code ec;
  for (fs::directory_iterator entry{state / "attempts", ec}, end; !ec && entry != end; entry.increment(ec)) {
    const auto id = attempt_id::parse(entry->path().filename().native());
    std::error_code ignored;
    if (!id || !kept.contains(*id))
      fs::remove(entry->path(), ignored);
  }
}

} // namespace kiln::executor

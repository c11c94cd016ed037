// SPDX-License-Identifier: Apache-2.0
//
// The .blend that a job names: a file of this machine, uploaded if kilnd does not have it.
#pragma once

#include "aio/task.hpp"
#include "aio/unique_descriptor.hpp"
#include "base/error.hpp"
#include "client/caller.hpp"

#include <cstdint>
#include <filesystem>
#include <string>

namespace kiln::client {

class blend_source {
public:
  /// usage if it is not a file that can be read.
  [[nodiscard]] static result<blend_source> open(const std::filesystem::path& file);

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; } ///< absolute, no links
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

  /// Path, size and time of the last change as one text: another one, another scene.
  [[nodiscard]] std::string identity() const;

  /// The id of its content at kilnd (`sha256:…`), sent there unless kilnd has it. `say`: lines about that.
  /// usage if the file changed meanwhile; then kilnd has not kept it.
  [[nodiscard]] aio::task<result<std::string>> bring_to(caller& kilnd, notice say) const;

private:
  blend_source(aio::unique_descriptor opened, std::filesystem::path path)
      : opened_(std::move(opened)), path_(std::move(path)) {}
  [[nodiscard]] aio::task<result<std::string>> digest(caller& kilnd) const;
  [[nodiscard]] bool has_changed() const;

  aio::unique_descriptor opened_;
  std::filesystem::path path_;
  std::uint64_t size_ = 0;
  std::int64_t changed_ = 0; ///< nanoseconds since 1970
};

} // namespace kiln::client

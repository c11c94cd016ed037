// SPDX-License-Identifier: Apache-2.0
//
// A zip archive that is made piece by piece, without compression: images are compressed already. Its bytes
// are taken as they come, so that an archive of any size needs little memory.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace kiln::archive {

/// Every call throws std::runtime_error when the archive cannot go on.
class zip_writer {
public:
  zip_writer();
  ~zip_writer();
  zip_writer(const zip_writer&) = delete;
  zip_writer& operator=(const zip_writer&) = delete;

  /// The next file; `size` bytes of write() follow. `name`: as it is to be in the archive.
  void begin_file(const std::string& name, std::uint64_t size, std::chrono::sys_seconds modified);
  void write(std::string_view bytes);
  /// After the last file.
  void finish();

  /// What has come of it since the last call.
  [[nodiscard]] std::string take();

private:
  struct parts;
  std::unique_ptr<parts> parts_;
};

} // namespace kiln::archive

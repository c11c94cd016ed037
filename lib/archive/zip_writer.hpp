// SPDX-License-Identifier: Apache-2.0
//
// Writes a zip archive piece by piece, without compression, since images are already compressed. Its bytes
// are taken as they are produced, so that an archive of any size needs little memory.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace kiln::archive {

/// Every call throws std::runtime_error if the archive cannot be continued.
class zip_writer {
public:
  zip_writer();
  ~zip_writer();
  zip_writer(const zip_writer&) = delete;
  zip_writer& operator=(const zip_writer&) = delete;

  /// Begins the next file; `size` bytes of write() must follow. `name`: its name in the archive.
  void begin_file(const std::string& name, std::uint64_t size, std::chrono::sys_seconds modified);
  void write(std::string_view bytes);
  /// Ends the archive, after the last file.
  void finish();

  /// The bytes produced since the last call.
  [[nodiscard]] std::string take();

private:
  struct parts;
  std::unique_ptr<parts> parts_;
};

} // namespace kiln::archive

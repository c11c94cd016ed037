// SPDX-License-Identifier: Apache-2.0
//
// The file of a frame on its way from Blender to its final path. It is taken out of Blender's reach, opened
// once, and both decoded and published from that open file. So the published file is the verified one: no
// rename, hard link, mapping or late write can change it. Blocks: for the pool.
#pragma once

#include "aio/unique_descriptor.hpp"
#include "base/error.hpp"

#include <cstdint>
#include <filesystem>

namespace kiln::executor {

/// How a file is protected from the Blender that wrote it.
enum class custody {
  in_place, ///< not protected until published: for cluster nodes, which kilnd does not confine
  moved,    ///< moved; a file with another hard link or open for writing is copied
  copied,   ///< copied: under bubblewrap an open file can be reopened, wherever it has been moved
};

struct taken_frame {
  aio::unique_descriptor file;    ///< for reading
  std::filesystem::path path;     ///< its path until it is published
  std::filesystem::path original; ///< the file that Blender wrote, unless it was moved to `path`
  std::uintmax_t size = 0;        ///< bytes, including holes
};

/// Takes the regular file `from` (never a link) into the directory `to` on the same file system. Returns
/// corrupt, without moving anything, for a file that is empty, cannot be opened, is not a regular file, or
/// does not belong to the owner of its directory. A file being written stays in place and is copied. A moved
/// file of another user gets the owner and the group of `to`. Other errors come from moving and copying.
[[nodiscard]] result<taken_frame> take(const std::filesystem::path& from, const std::filesystem::path& to,
                                       custody how);

/// Moves the frame to `to`, durably: fsync, rename, fsync of the directory. Refuses directories that are
/// links, so that nothing outside the output is touched. Returns the bytes it occupies on disk.
[[nodiscard]] result<std::uintmax_t> publish(const taken_frame& frame, const std::filesystem::path& to);

/// Removes an unpublished frame; its original stays.
void drop(const taken_frame& frame) noexcept;

/// Creates the directory `taken`. Moves files already there, neither published nor dropped, back to
/// `workspace`, and to its owner, unless Blender has since written a new file of that name.
void put_back(const std::filesystem::path& taken, const std::filesystem::path& workspace) noexcept;

} // namespace kiln::executor

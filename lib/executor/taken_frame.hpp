// SPDX-License-Identifier: Apache-2.0
//
// The file of a frame on its way from Blender to its final path. It is taken out of Blender's reach, opened
// once, and decoded and published from that same open file, so that the file that was verified is the file
// that stands there: no rename, second name, mapping or late write changes it. Blocks: for the pool.
#pragma once

#include "aio/unique_descriptor.hpp"
#include "base/error.hpp"

#include <cstdint>
#include <filesystem>

namespace kiln::executor {

/// How a file is kept from the Blender that wrote it.
enum class custody {
  in_place, ///< not at all, until it is published: nodes of a cluster, which kilnd does not confine
  moved,    ///< by a move; a file with a second name, or that is open for writing, is copied
  copied,   ///< by a copy: with bubblewrap an open file can be opened again, wherever it lies by then
};

struct taken_frame {
  aio::unique_descriptor file;    ///< for reading
  std::filesystem::path path;     ///< its place until it is published
  std::filesystem::path original; ///< the file that Blender wrote, unless that was moved to `path`
  std::uintmax_t size = 0;        ///< in bytes, from the first to the last
};

/// Takes the regular file `from` (never a link) into the directory `to`, which is in the same file system.
/// corrupt for an empty file and for one that cannot be opened or is no file; nothing is moved then. A file
/// that is being written stays where it is, and its copy is taken. Other errors are those of moving and
/// copying.
[[nodiscard]] result<taken_frame> take(const std::filesystem::path& from, const std::filesystem::path& to,
                                       custody how);

/// Moves it to `to`, on disk when it returns: fsync, rename, fsync of the directory. Directories that are
/// links are refused, so that nothing outside the output is touched. The bytes that it takes on the disk.
[[nodiscard]] result<std::uintmax_t> publish(const taken_frame& frame, const std::filesystem::path& to);

/// Removes one that is not published; its original stays.
void drop(const taken_frame& frame) noexcept;

/// Makes the directory `taken`, and moves the files that are there already, which were neither published nor
/// dropped, back to `workspace`; where Blender has written another of that name meanwhile, that one counts.
void put_back(const std::filesystem::path& taken, const std::filesystem::path& workspace) noexcept;

} // namespace kiln::executor

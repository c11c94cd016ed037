// SPDX-License-Identifier: Apache-2.0
//
// The Blenders of this daemon, each as its program is now: one that was replaced (a package was upgraded, a
// link leads elsewhere) is probed again before it renders.
#pragma once

#include "aio/blocking_pool.hpp"
#include "aio/notification.hpp"
#include "base/error.hpp"
#include "blender/install.hpp"

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace kiln::local {

/// Device, inode, size and time of change of a file, links followed; empty if there is none. Blocks.
[[nodiscard]] std::string identity_of(const std::filesystem::path& file);

/// The identities of an install's executable and, where that is a launcher, of Blender itself; empty if one
/// is missing. A probe takes the first before and the second after it. Blocks.
[[nodiscard]] std::string identity_of(const blender::install& of);

class installs {
public:
  /// Fills in what is known of an install, whose name and executable are given.
  using prober = std::function<aio::task<result<blender::install>>(blender::install)>;

  /// The first is the default. Without a prober, all stay as they are.
  installs(aio::executor_type loop, std::vector<blender::install> all, prober probe = {});

  [[nodiscard]] const std::vector<blender::install>& all() const noexcept { return all_; }

  /// As last seen; the first if `name` is empty; null if there is none of this name. Valid until the next
  /// co_await.
  [[nodiscard]] const blender::install* find(std::string_view name) const;

  /// All as last seen, without a probe; `wrong` says so of one whose program is missing now.
  [[nodiscard]] aio::task<std::vector<blender::install>> look(aio::blocking_pool& pool);

  /// All as their programs are now: one that was replaced, or has appeared, is probed again, and `wrong` says
  /// so of one that is missing or whose probe failed. A failed probe is repeated when the program changes,
  /// and when a job needs this very install: it is the one `asked` for, or the only one.
  [[nodiscard]] aio::task<std::vector<blender::install>> now(std::string asked, aio::blocking_pool& pool);

  /// The one of this name (empty: the first) as its program is now. Errors: not_found if there is none, or if
  /// something is wrong with it.
  [[nodiscard]] aio::task<result<blender::install>> current(std::string name, aio::blocking_pool& pool);

private:
  [[nodiscard]] aio::task<std::vector<std::string>> identities(aio::blocking_pool& pool);
  [[nodiscard]] aio::task<blender::install> probe(std::size_t i, std::string identity);

  std::vector<blender::install> all_;
  prober probe_;
  bool is_probing_ = false;
  aio::notification probed_;
};

} // namespace kiln::local

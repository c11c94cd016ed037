// SPDX-License-Identifier: Apache-2.0
//
// The Blenders of this daemon, kept current: one whose program was replaced (by a package upgrade or a
// changed link) is probed again before it renders.
#pragma once

#include "aio/blocking_pool.hpp"
#include "aio/notification.hpp"
#include "base/error.hpp"
#include "blender/install.hpp"

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace kiln::local {

/// Device, inode, size and change time of a file, links followed; empty if it is missing. Blocks.
[[nodiscard]] std::string identity_of(const std::filesystem::path& file);

/// The identities of an install's executable and, where that is a launcher, of Blender itself; empty if one
/// is missing. A probe takes the first before and the second after it. Blocks.
[[nodiscard]] std::string identity_of(const blender::install& of);

/// Shared, since it is read on the loop and in the pool for each job and an install lists many paths.
using install_list = std::shared_ptr<const std::vector<blender::install>>;

class installs {
public:
  /// Fills in the facts about an install with a given name and executable.
  using prober = std::function<aio::task<result<blender::install>>(blender::install)>;

  /// The first is the default. Without a prober, the installs never change.
  installs(aio::executor_type loop, std::vector<blender::install> all, prober probe = {});

  [[nodiscard]] const std::vector<blender::install>& all() const noexcept { return *all_; }

  /// The install as last seen; the first if `name` is empty; null if none has this name. Valid until the next
  /// co_await.
  [[nodiscard]] const blender::install* find(std::string_view name) const;

  /// All installs as last seen, without a probe; `wrong` is set for one whose program is missing.
  [[nodiscard]] aio::task<install_list> look(aio::blocking_pool& pool);

  /// All installs, up to date: replaced or new programs are probed, and `wrong` is set for one that is
  /// missing or whose probe failed. A failed probe is repeated if the program changes, or if a job needs this
  /// install: it is the one `asked` for, or the only one.
  [[nodiscard]] aio::task<install_list> now(std::string asked, aio::blocking_pool& pool);

  /// The install of this name (empty: the first), up to date. not_found if there is none, or if something is
  /// wrong with it.
  [[nodiscard]] aio::task<result<blender::install>> current(std::string name, aio::blocking_pool& pool);

private:
  [[nodiscard]] aio::task<std::vector<std::string>> identities(aio::blocking_pool& pool);
  [[nodiscard]] aio::task<> probe(std::size_t i, std::string identity);

  install_list all_;
  prober probe_;
  bool is_probing_ = false;
  aio::notification probed_;
};

} // namespace kiln::local

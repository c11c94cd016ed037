// SPDX-License-Identifier: Apache-2.0
#include "local/installs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ranges>
#include <utility>

#include <sys/stat.h>

namespace kiln::local {

std::string identity_of(const std::filesystem::path& file) {
  struct stat found {};
  if (::stat(file.c_str(), &found) != 0)
    return {};
  return fmt::format("{}:{}:{}:{}.{}", found.st_dev, found.st_ino, found.st_size, found.st_mtim.tv_sec,
                     found.st_mtim.tv_nsec);
}

std::string identity_of(const blender::install& of) {
  auto identity = identity_of(of.executable);
  if (!of.is_launcher() || identity.empty())
    return identity;
  const auto binary = identity_of(of.binary);
  return binary.empty() ? std::string{} : identity + " " + binary;
}

installs::installs(aio::executor_type loop, std::vector<blender::install> all, prober probe)
    : all_(std::make_shared<const std::vector<blender::install>>(std::move(all))), probe_(std::move(probe)),
      probed_(loop) {}

const blender::install* installs::find(std::string_view name) const {
  return blender::find_install(*all_, name);
}

aio::task<std::vector<std::string>> installs::identities(aio::blocking_pool& pool) {
  const auto look_here = [all = all_] {
    std::vector<std::string> found;
    for (const auto& one : *all)
      found.push_back(one.executable.is_absolute() ? identity_of(one) : std::string{});
    return found;
  };
  co_return co_await pool.run(look_here);
}

namespace {

/// Sets `wrong` for those whose program is missing: its identity is empty.
install_list with_missing(const install_list& all, const std::vector<std::string>& identities) {
  const auto is_missing = [](const blender::install& one, const std::string& identity) {
    return identity.empty() && one.wrong.empty();
  };
  if (!std::ranges::any_of(std::views::iota(std::size_t{0}, all->size()),
                           [&](std::size_t i) { return is_missing((*all)[i], identities[i]); }))
    return all;
  auto seen = *all;
  for (std::size_t i = 0; i < seen.size(); ++i)
    if (is_missing(seen[i], identities[i]))
      seen[i].wrong = fmt::format("there is no program at {} any more", seen[i].executable.native());
  return std::make_shared<const std::vector<blender::install>>(std::move(seen));
}

} // namespace

aio::task<install_list> installs::look(aio::blocking_pool& pool) {
  if (!probe_)
    co_return all_;
  const auto found = co_await identities(pool);
  co_return with_missing(all_, found);
}

aio::task<install_list> installs::now(std::string asked, aio::blocking_pool& pool) {
  if (!probe_)
    co_return all_;
  for (;;) {
    while (is_probing_)
      co_await probed_.wait();
    const auto found = co_await identities(pool);
    if (is_probing_)
      continue;
    for (std::size_t i = 0; i < found.size(); ++i) {
      const auto& known = (*all_)[i];
      const bool is_needed = known.name == asked || found.size() == 1;
      if (!found[i].empty() && (found[i] != known.identity || (is_needed && !known.wrong.empty())))
        co_await probe(i, found[i]);
    }
    co_return with_missing(all_, found);
  }
}

/// Probes the install at `i` and stores the result.
aio::task<> installs::probe(std::size_t i, std::string identity) {
  is_probing_ = true;
  struct end_of_probe { // also when the prober throws: others wait for it
    installs& of;
    ~end_of_probe() {
      of.is_probing_ = false;
      of.probed_.notify_all();
    }
  } const end{*this};
  auto named = blender::install{(*all_)[i].name, (*all_)[i].executable, {}};
  auto probed = named;
  auto found = co_await probe_(std::move(named));
  if (found) {
    probed = std::move(*found);
  } else {
    probed.wrong = found.error().message;
    probed.identity = std::move(identity);
  }
  auto all = *all_;
  all[i] = std::move(probed);
  all_ = std::make_shared<const std::vector<blender::install>>(std::move(all));
}

aio::task<result<blender::install>> installs::current(std::string name, aio::blocking_pool& pool) {
  auto asked = name;
  const auto all = co_await now(std::move(asked), pool);
  const auto* found = blender::find_install(*all, name);
  if (!found)
    co_return error{
        errc::not_found,
        fmt::format("kilnd is no longer told of a Blender named {} (--blender {}=PATH)", name, name)};
  if (!found->wrong.empty())
    co_return error{errc::not_found, found->wrong};
  co_return *found;
}

} // namespace kiln::local

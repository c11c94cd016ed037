// SPDX-License-Identifier: Apache-2.0
#include "app/announcement.hpp"

#include "app/preflight.hpp"
#include "process/walls.hpp"

#include <spdlog/logger.h>

#include <string>
#include <string_view>

namespace kiln::app {
namespace {

/// The page, without a slash at its end: where the configuration or the sockets say that browsers find it.
std::string address_to_open(const parts& p) {
  if (const auto& known = p.service.url(); !known.origin.empty())
    return known.text();
  auto at = p.server.local_address();
  for (const std::string_view any : {"0.0.0.0:", "[::]:"})
    if (at.starts_with(any))
      at.replace(0, any.size(), "localhost:");
  return (p.service.tls() ? "https://" : "http://") + at + p.service.url().prefix;
}

} // namespace

void announce_start(const config& c, const std::vector<blender::install>& installs, const sandbox& around,
                    const parts& p, spdlog::logger& to) {
  for (const auto& one : usable(installs)) {
    to.info("{} at {} renders to {} name={}", one.version, one.executable.native(), c.output.native(),
            one.name);
    for (const auto& line : one.remarks)
      to.warn("{}", line);
  }
  for (const auto& line : describe_missing(installs))
    to.warn("{}", line);
  to.info("Blender runs in sandbox={}{}", process::to_string(around.how),
          c.blender_user ? " user=" + c.blender_user->name : "");
  for (const auto& line : around.warnings)
    to.warn("{}", line);
  for (const auto& line : around.notes)
    to.info("{}", line);
  to.info("listening on {}{}", p.server.local_address(), p.service.tls() ? ", with TLS" : "");
  to.info("open {}/ in a browser", address_to_open(p));
}

} // namespace kiln::app

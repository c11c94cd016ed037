// SPDX-License-Identifier: Apache-2.0
#include "store/backup.hpp"

#include "aio/unique_descriptor.hpp"
#include "store/connection.hpp"
#include "store/private_file.hpp"

#include <fmt/format.h>

#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

namespace kiln::store {

namespace fs = std::filesystem;

result<void> back_up(const fs::path& from, const fs::path& to) {
  try {
    if (!fs::exists(from))
      return error{errc::not_found, fmt::format("there is no {} to back up", from.native())};
    if (fs::exists(fs::symlink_status(to)))
      return error{errc::conflict, fmt::format("{} is there already: name another file", to.native())};
    // Under another name until it is complete.
    auto making = to;
    making += ".part";
    fs::remove(making);
    make_private_file(making);
    {
      SQLite::Database database(from.native(), SQLite::OPEN_READWRITE, 5000);
      SQLite::Statement into(database, "VACUUM INTO ?");
      into.bind(1, making.native());
      into.exec();
    }
    const aio::unique_descriptor copy{::open(making.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!copy.is_open() || ::fsync(copy.get()) != 0)
      return system_error(errno, "sync " + making.native());
    fs::rename(making, to);
    return {};
  } catch (const SQLite::Exception& e) {
    return store_error(e, from);
  } catch (const fs::filesystem_error& e) {
    return error{errc::unavailable, e.what()};
  }
}

} // namespace kiln::store

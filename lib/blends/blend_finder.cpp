// SPDX-License-Identifier: Apache-2.0
#include "blends/blend_finder.hpp"

namespace kiln::blends {

aio::task<result<uploads::lease>> blend_finder::find(std::string name, access::principal_ptr by) {
  if (name.starts_with("sha256:")) {
    auto digits = parse_upload_id(name);
    if (!digits)
      co_return error{errc::invalid_input,
                      "is not the id of an upload: sha256: and 64 hexadecimal digits in lower "
                      "case; for a file of this name write ./ in front of it"};
    auto found = co_await uploads_.use(std::move(*digits), std::move(by));
    if (!found && found.error().code == errc::not_found)
      co_return error{errc::invalid_input, found.error().message};
    co_return found;
  }
  const auto find_here = [this, name, by] { return roots_.find(name, by->projects); };
  auto found = co_await pool_.run(find_here);
  if (!found)
    co_return found.error();
  co_return uploads::lease{std::move(*found), nullptr};
}

aio::task<result<project_listing>> blend_finder::list(std::string directory, std::string after,
                                                      std::size_t most, access::principal_ptr by) {
  const auto list_here = [this, directory, after, most, by] {
    return roots_.list(directory, after, most, by->projects);
  };
  co_return co_await pool_.run(list_here);
}

aio::task<bool> blend_finder::may_use(std::filesystem::path file, access::principal_ptr by) {
  if (by->projects.empty())
    co_return true;
  const auto look_here = [file, by] { return is_within(file, by->projects); };
  co_return co_await pool_.run(look_here);
}

} // namespace kiln::blends

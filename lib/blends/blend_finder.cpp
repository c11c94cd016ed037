// SPDX-License-Identifier: Apache-2.0
#include "blends/blend_finder.hpp"

namespace kiln::blends {

aio::task<result<uploads::lease>> blend_finder::find(std::string name) {
  if (name.starts_with("sha256:")) {
    auto digits = parse_upload_id(name);
    if (!digits)
      co_return error{errc::invalid_input,
                      "is not the id of an upload: sha256: and 64 hexadecimal digits in lower "
                      "case; for a file of this name write ./ in front of it"};
    auto found = co_await uploads_.use(std::move(*digits));
    if (!found && found.error().code == errc::not_found)
      co_return error{errc::invalid_input, found.error().message};
    co_return found;
  }
  const auto find_here = [this, name] { return roots_.find(name); };
  auto found = co_await pool_.run(find_here);
  if (!found)
    co_return found.error();
  co_return uploads::lease{std::move(*found), nullptr};
}

} // namespace kiln::blends

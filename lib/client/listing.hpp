// SPDX-License-Identifier: Apache-2.0
//
// Lists of kilnd, which come in pages.
#pragma once

#include "aio/task.hpp"
#include "client/caller.hpp"

#include <boost/json/value.hpp>

#include <cstddef>
#include <limits>
#include <string>
#include <vector>

namespace kiln::client {

inline constexpr std::size_t everything = std::numeric_limits<std::size_t>::max();

/// The pages of a listing (`path`, with or without a query) with its first `most` members.
[[nodiscard]] aio::task<result<std::vector<boost::json::value>>>
read_pages(caller& kilnd, std::string path, std::string doing, std::size_t most);

/// The id of the job that `word` means: an id, the unique beginning of one, or "@last" (of `last`).
[[nodiscard]] aio::task<result<std::string>> find_job(caller& kilnd, std::string word, std::string last);

} // namespace kiln::client

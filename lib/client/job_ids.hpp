// SPDX-License-Identifier: Apache-2.0
//
// Which job a word of the command line means: pure.
#pragma once

#include "base/error.hpp"

#include <span>
#include <string>
#include <string_view>

namespace kiln::client {

/// The one id that begins with `word`. usage if none does, or several do: the message lists some of these.
[[nodiscard]] result<std::string> choose_id(std::string_view word, std::span<const std::string> ids);

/// Whether `word` can be (the beginning of) an id: it goes into paths of requests.
[[nodiscard]] bool is_begin_of_id(std::string_view word);

} // namespace kiln::client

// SPDX-License-Identifier: Apache-2.0
//
// One daemon to a state directory. The lock goes with the process, however that ends.
#pragma once

#include "aio/unique_descriptor.hpp"
#include "base/error.hpp"

#include <filesystem>

namespace kiln::store {

class state_lock {
public:
  /// conflict, with the pid of the holder, when another daemon has it.
  [[nodiscard]] static result<state_lock> take(const std::filesystem::path& state);

private:
  explicit state_lock(aio::unique_descriptor file) : file_(std::move(file)) {}
  aio::unique_descriptor file_;
};

} // namespace kiln::store

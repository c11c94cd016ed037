// SPDX-License-Identifier: Apache-2.0
//
// Runs a function at the end of a scope, however it is left.
#pragma once

#include <utility>

namespace kiln {

template<class Function>
class [[nodiscard]] scope_exit {
public:
  /// `at_end` does not throw.
  explicit scope_exit(Function at_end) : at_end_(std::move(at_end)) {}
  scope_exit(const scope_exit&) = delete;
  scope_exit& operator=(const scope_exit&) = delete;
  ~scope_exit() { at_end_(); }

private:
  Function at_end_;
};

} // namespace kiln

// SPDX-License-Identifier: Apache-2.0
#include "client/exit_status.hpp"

namespace kiln::client {
namespace {

class exit_category final : public boost::system::error_category {
public:
  [[nodiscard]] const char* name() const noexcept override { return "kiln.exit"; }
  [[nodiscard]] std::string message(int value) const override {
    return "exit status " + std::to_string(value);
  }
};

const exit_category& the_exit_category() noexcept {
  static const exit_category one;
  return one;
}

} // namespace

boost::system::error_code make_error_code(exit_status status) noexcept {
  return {static_cast<int>(status), the_exit_category()};
}

exit_status status_of(const error& e) noexcept {
  return e.code.category() == the_exit_category() ? static_cast<exit_status>(e.code.value())
                                                  : exit_status::refused;
}

} // namespace kiln::client

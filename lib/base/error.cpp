// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"

#include <boost/system/system_error.hpp>

#include <cerrno>

namespace kiln {
namespace {

class category final : public boost::system::error_category {
public:
  const char* name() const noexcept override { return "kiln"; }

  std::string message(int value) const override {
    switch (static_cast<errc>(value)) {
    case errc::invalid_input:
      return "invalid input";
    case errc::not_found:
      return "not found";
    case errc::conflict:
      return "not possible in this state";
    case errc::unavailable:
      return "not available now";
    case errc::unsupported:
      return "not supported";
    case errc::corrupt:
      return "corrupt data";
    case errc::internal:
      return "internal error";
    case errc::too_large:
      return "too large";
    case errc::no_room:
      return "no room left";
    case errc::exhausted:
      return "a limit is reached";
    }
    return "unknown error";
  }
};

} // namespace

const boost::system::error_category& kiln_category() noexcept {
  static const category instance;
  return instance;
}

boost::system::error_code make_error_code(errc code) noexcept {
  return {static_cast<int>(code), kiln_category()};
}

error system_error(int errno_value, std::string_view what) {
  const boost::system::error_code code{errno_value, boost::system::system_category()};
  return {code, std::string{what} + ": " + code.message()};
}

error last_error(const char* call, const std::filesystem::path& path) {
  return system_error(errno, call + (" " + path.native()));
}

bool is_passing(const boost::system::error_code& code) noexcept {
  using namespace boost::system::errc;
  return code == too_many_files_open || code == too_many_files_open_in_system ||
         code == resource_unavailable_try_again || code == operation_would_block ||
         code == not_enough_memory || code == no_buffer_space || code == kiln::errc::exhausted;
}

void throw_exception_from_error(const error& e, const boost::source_location&) {
  throw boost::system::system_error(e.code, e.message);
}

} // namespace kiln

// SPDX-License-Identifier: Apache-2.0
//
// What a correct program can meet through its input or its environment comes back as result<T>; broken
// invariants are thrown. A message says what was wrong, where, and what to do about it.
#pragma once

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>

#include <filesystem>
#include <string>
#include <string_view>

namespace kiln {

/// Kinds of error that callers tell apart. Errors of the system (errno) keep their own category.
enum class errc {
  invalid_input = 1, ///< the caller's value is malformed or out of range
  not_found,         ///< the thing that was named does not exist
  conflict,          ///< it exists, but its state does not allow this
  unavailable,       ///< cannot be done now (queue full, stopping); may work later
  unsupported,       ///< well-formed, but not something Kiln does
  corrupt,           ///< data that was read is not what its format requires
  internal,          ///< a defect of Kiln
  too_large,         ///< more than a limit allows
  no_room,           ///< the disk, or what may be used of it, is full
  exhausted,         ///< a limit of the machine, where the system's own code could mean something else
};

const boost::system::error_category& kiln_category() noexcept;
boost::system::error_code make_error_code(errc code) noexcept;

/// An error code with a text for people. The text stands alone: it names the thing that was wrong.
struct error {
  boost::system::error_code code;
  std::string message;

  error() = default;
  error(boost::system::error_code c, std::string text) : code(c), message(std::move(text)) {}
  error(errc c, std::string text) : code(make_error_code(c)), message(std::move(text)) {}

  friend bool operator==(const error& a, const error& b) {
    return a.code == b.code && a.message == b.message;
  }
};

/// `what` followed by the system's text for `errno_value`: "open /x/y: No such file or directory".
[[nodiscard]] error system_error(int errno_value, std::string_view what);

/// system_error() of errno: "CALL PATH: No such file or directory".
[[nodiscard]] error last_error(const char* call, const std::filesystem::path& path);

/// Whether the machine lacks something that it will have again: descriptors, processes, memory, watches; or a
/// file is held by another program's lease (EWOULDBLOCK).
[[nodiscard]] bool is_passing(const boost::system::error_code& code) noexcept;

/// A value, or the reason why there is none.
template<class T>
using result = boost::system::result<T, error>;

/// Called by result<T>::value() when there is no value: throws boost::system::system_error with the message.
[[noreturn]] void throw_exception_from_error(const error& e, const boost::source_location& where);

} // namespace kiln

template<>
struct boost::system::is_error_code_enum<kiln::errc> : std::true_type {};

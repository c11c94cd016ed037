// SPDX-License-Identifier: Apache-2.0
//
// Errors that a correct program can meet through its input or environment are returned as result<T>; broken
// invariants are thrown. A message says what was wrong, where, and what to do about it.
#pragma once

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>

#include <filesystem>
#include <string>
#include <string_view>

namespace kiln {

/// Kinds of error that callers distinguish. System errors (errno) keep their own category.
enum class errc {
  invalid_input = 1, ///< the caller's value is malformed or out of range
  not_found,         ///< the named object does not exist
  conflict,          ///< it exists, but its state does not allow this
  unavailable,       ///< cannot be done now (queue full, stopping); may work later
  unsupported,       ///< well-formed, but not something Kiln does
  corrupt,           ///< the data violates its format
  internal,          ///< a defect of Kiln
  too_large,         ///< more than a limit allows
  no_room,           ///< the disk, or the usable part of it, is full
  exhausted,         ///< a limit of the machine, if the system's own code is ambiguous
};

const boost::system::error_category& kiln_category() noexcept;
boost::system::error_code make_error_code(errc code) noexcept;

/// An error code with a text for people. The text is self-contained: it names the object concerned.
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

/// Whether the error is temporary: a lack of descriptors, processes, memory or watches, or a file held by
/// another program's lease (EWOULDBLOCK).
[[nodiscard]] bool is_passing(const boost::system::error_code& code) noexcept;

/// A value, or the reason why there is none.
template<class T>
using result = boost::system::result<T, error>;

/// Called by result<T>::value() if there is no value: throws boost::system::system_error with the message.
[[noreturn]] void throw_exception_from_error(const error& e, const boost::source_location& where);

} // namespace kiln

template<>
struct boost::system::is_error_code_enum<kiln::errc> : std::true_type {};

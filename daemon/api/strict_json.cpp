// SPDX-License-Identifier: Apache-2.0
#include "api/strict_json.hpp"

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/value_stack.hpp>
#include <fmt/format.h>

#include <cmath>
#include <set>
#include <string>
#include <vector>

namespace kiln::api {
namespace {

namespace json = boost::json;

constexpr std::size_t max_depth = 32;
constexpr std::size_t any_number = static_cast<std::size_t>(-1);

/// Builds the value and checks the names in one pass. boost::json::basic_parser calls the functions.
class strict_reader {
public:
  strict_reader() { values_.reset(); }

  constexpr static std::size_t max_object_size = any_number;
  constexpr static std::size_t max_array_size = any_number;
  constexpr static std::size_t max_key_size = any_number;
  constexpr static std::size_t max_string_size = any_number;

  bool on_document_begin(boost::system::error_code&) { return true; }
  bool on_document_end(boost::system::error_code&) { return true; }
  bool on_object_begin(boost::system::error_code&) {
    names_.emplace_back();
    return true;
  }
  bool on_object_end(std::size_t members, boost::system::error_code&) {
    names_.pop_back();
    values_.push_object(members);
    return true;
  }
  bool on_array_begin(boost::system::error_code&) { return true; }
  bool on_array_end(std::size_t elements, boost::system::error_code&) {
    values_.push_array(elements);
    return true;
  }
  bool on_key_part(json::string_view part, std::size_t, boost::system::error_code&) {
    name_.append(part.data(), part.size());
    values_.push_chars(part);
    return true;
  }
  bool on_key(json::string_view part, std::size_t, boost::system::error_code& ec) {
    name_.append(part.data(), part.size());
    if (!names_.back().insert(name_).second) {
      duplicate_ = name_;
      ec = json::error::extra_data; // any error ends the parse; the duplicate is reported
      return false;
    }
    name_.clear();
    values_.push_key(part);
    return true;
  }
  bool on_string_part(json::string_view part, std::size_t, boost::system::error_code&) {
    values_.push_chars(part);
    return true;
  }
  bool on_string(json::string_view part, std::size_t, boost::system::error_code&) {
    values_.push_string(part);
    return true;
  }
  bool on_number_part(json::string_view, boost::system::error_code&) { return true; }
  bool on_int64(std::int64_t number, json::string_view, boost::system::error_code&) {
    values_.push_int64(number);
    return true;
  }
  bool on_uint64(std::uint64_t number, json::string_view, boost::system::error_code&) {
    values_.push_uint64(number);
    return true;
  }
  bool on_double(double number, json::string_view, boost::system::error_code& ec) {
    if (!std::isfinite(number)) {
      ec = json::error::exponent_overflow; // Boost 1.81 accepts 1e400 as infinite, and 0e400 as undefined
      return false;
    }
    values_.push_double(number);
    return true;
  }
  bool on_bool(bool value, boost::system::error_code&) {
    values_.push_bool(value);
    return true;
  }
  bool on_null(boost::system::error_code&) {
    values_.push_null();
    return true;
  }
  bool on_comment_part(json::string_view, boost::system::error_code&) { return true; }
  bool on_comment(json::string_view, boost::system::error_code&) { return true; }

  [[nodiscard]] const std::string& duplicate() const { return duplicate_; }
  /// The value, after the whole text was read.
  [[nodiscard]] json::value release() { return values_.release(); }

private:
  json::value_stack values_;
  std::vector<std::set<std::string>> names_; // a set for each open object
  std::string name_;
  std::string duplicate_;
};

} // namespace

result<json::value> parse_strict_json(std::string_view text) {
  json::parse_options options;
  options.max_depth = max_depth;
  json::basic_parser<strict_reader> reader(options);
  boost::system::error_code ec;
  const auto read = reader.write_some(false, text.data(), text.size(), ec);
  if (const auto& name = reader.handler().duplicate(); !name.empty())
    return error{errc::invalid_input, fmt::format("the name \"{}\" is given twice", name.substr(0, 40))};
  if (!ec && text.find_first_not_of(" \t\r\n", read) != std::string_view::npos)
    ec = json::error::extra_data;
  if (ec)
    return error{errc::invalid_input, fmt::format("not JSON: {} at byte {}", ec.message(), read)};
  return reader.handler().release();
}

} // namespace kiln::api

// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"

#include <boost/system/system_error.hpp>
#include <gtest/gtest.h>

#include <cerrno>

namespace kiln {
namespace {

result<int> half(int n) {
  if (n % 2 != 0)
    return error{errc::invalid_input, "odd"};
  return n / 2;
}

TEST(error, a_result_holds_a_value_or_the_reason) {
  EXPECT_EQ(*half(4), 2);
  const auto odd = half(3);
  ASSERT_FALSE(odd);
  EXPECT_EQ(odd.error().code, errc::invalid_input);
  EXPECT_EQ(odd.error().message, "odd");
}

TEST(error, value_of_an_error_throws_with_its_message) {
  try {
    (void)half(1).value();
    FAIL() << "no exception";
  } catch (const boost::system::system_error& e) {
    EXPECT_NE(std::string{e.what()}.find("odd"), std::string::npos);
  }
}

TEST(error, system_errors_say_what_was_tried) {
  EXPECT_EQ(system_error(ENOENT, "open /x").message, "open /x: No such file or directory");
  EXPECT_EQ(system_error(ENOENT, "open /x").code, boost::system::errc::no_such_file_or_directory);
}

} // namespace
} // namespace kiln

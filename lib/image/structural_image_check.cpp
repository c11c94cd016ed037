// SPDX-License-Identifier: Apache-2.0
#include "image/structural_image_check.hpp"

#include "image/file_source.hpp"

namespace kiln::image {
namespace {

result<image_facts> check_file(int file) {
  auto source = file_source::of(file);
  if (!source)
    return source.error();
  const auto format = check_image_structure(*source);
  if (!format)
    return format.error();
  image_facts facts;
  facts.format = *format;
  return facts;
}

} // namespace

aio::task<result<image_facts>> structural_image_check::check(int file) {
  const auto check_here = [file] { return check_file(file); };
  co_return co_await pool_.run(check_here);
}

} // namespace kiln::image

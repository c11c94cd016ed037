// SPDX-License-Identifier: Apache-2.0
#include "image/picture_wish.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_to.hpp>

namespace kiln::image {

std::string format_picture_wish(const picture_wish& wish) {
  return boost::json::serialize(boost::json::object{{"longest", wish.longest},
                                                    {"exposure", wish.exposure},
                                                    {"layer", wish.layer},
                                                    {"cube", wish.cube},
                                                    {"lossless", wish.is_lossless},
                                                    {"columns", wish.columns},
                                                    {"rows", wish.rows},
                                                    {"width", wish.width},
                                                    {"height", wish.height},
                                                    {"opaque", wish.is_opaque}});
}

result<picture_wish> parse_picture_wish(std::string_view text) {
  boost::system::error_code ec;
  const auto parsed = boost::json::parse(text, ec);
  const auto* object = ec ? nullptr : parsed.if_object();
  if (!object)
    return error{errc::invalid_input, "the request is not a line of JSON"};
  picture_wish wish;
  const auto text_of = [&](std::string_view key, std::string& into) {
    const auto* found = object->if_contains(key);
    if (const auto* is = found ? found->if_string() : nullptr)
      into = std::string{*is};
  };
  const auto number_of = [&](std::string_view key, double usual) {
    const auto* found = object->if_contains(key);
    return found && found->is_number() ? found->to_number<double>() : usual;
  };
  const auto int_of = [&](std::string_view key, int usual) {
    const auto* found = object->if_contains(key);
    const auto* is = found ? found->if_int64() : nullptr;
    return is && *is >= 0 && *is <= 65536 ? static_cast<int>(*is) : usual;
  };
  wish.longest = int_of("longest", wish.longest);
  wish.exposure = number_of("exposure", 0);
  text_of("layer", wish.layer);
  text_of("cube", wish.cube);
  const auto is_set = [&](std::string_view key) {
    const auto* found = object->if_contains(key);
    return found && found->is_bool() && found->get_bool();
  };
  wish.is_lossless = is_set("lossless");
  wish.columns = int_of("columns", 0);
  wish.rows = int_of("rows", 0);
  wish.width = int_of("width", 0);
  wish.height = int_of("height", 0);
  wish.is_opaque = is_set("opaque");
  return wish;
}

std::string sheet_entry(std::string_view picture) {
  std::string entry;
  for (int shift = 0; shift < 32; shift += 8)
    entry += static_cast<char>(picture.size() >> shift & 0xff);
  entry += picture;
  return entry;
}

} // namespace kiln::image

// SPDX-License-Identifier: Apache-2.0
#include "image/image_answer.hpp"

#include "base/utf8.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_to.hpp>

#include <algorithm>

namespace kiln::image {
namespace {

constexpr std::size_t max_error = 1000;
constexpr std::size_t max_layers_bytes = 32 * 1024; // as JSON

std::optional<int> take_number(const boost::json::object& from, std::string_view key) {
  const auto* found = from.if_contains(key);
  const auto* number = found ? found->if_int64() : nullptr;
  return number && *number >= 0 && *number <= 1'000'000 ? std::optional{static_cast<int>(*number)}
                                                        : std::nullopt;
}

std::optional<std::string> take_text(const boost::json::object& from, std::string_view key) {
  const auto* found = from.if_contains(key);
  const auto* text = found ? found->if_string() : nullptr;
  return text ? std::optional{std::string{*text}} : std::nullopt;
}

} // namespace

std::string format_image_answer(const result<image_facts>& checked) {
  if (!checked)
    return boost::json::serialize(boost::json::object{
        {"ok", false}, {"error", as_utf8(first_characters(checked.error().message, max_error))}});
  boost::json::array layers;
  std::size_t bytes = 0;
  for (const auto& name : checked->layers) {
    boost::json::value layer(as_utf8(name));
    bytes += boost::json::serialize(layer).size() + 1;
    if (bytes > max_layers_bytes)
      break;
    layers.push_back(std::move(layer));
  }
  return boost::json::serialize(boost::json::object{{"ok", true},
                                                    {"format", checked->format},
                                                    {"width", checked->width},
                                                    {"height", checked->height},
                                                    {"channels", checked->channels},
                                                    {"type", checked->type},
                                                    {"layers", std::move(layers)},
                                                    {"view", checked->view},
                                                    {"picture", checked->picture.size()}});
}

std::size_t picture_bytes(std::string_view answer) {
  boost::system::error_code ec;
  const auto parsed = answer.size() > max_answer ? boost::json::value{} : boost::json::parse(answer, ec);
  const auto* object = parsed.if_object();
  const auto* bytes = object ? object->if_contains("picture") : nullptr;
  const auto* number = bytes ? bytes->if_int64() : nullptr;
  return number && *number > 0 && static_cast<std::size_t>(*number) <= max_picture
             ? static_cast<std::size_t>(*number)
             : 0;
}

result<image_facts> parse_image_answer(std::string_view text) {
  const error nonsense{errc::internal, "the image decoder gave an answer that makes no sense"};
  boost::system::error_code ec;
  const auto parsed = text.size() > max_answer ? boost::json::value{} : boost::json::parse(text, ec);
  const auto* answer = parsed.if_object();
  const auto* ok = answer ? answer->if_contains("ok") : nullptr;
  if (ec || !ok || !ok->is_bool())
    return nonsense;
  if (!ok->get_bool()) {
    auto why = take_text(*answer, "error");
    if (!why || why->empty())
      return nonsense;
    return error{errc::corrupt, std::move(*why)};
  }
  auto format = take_text(*answer, "format");
  auto type = take_text(*answer, "type");
  const auto width = take_number(*answer, "width");
  const auto height = take_number(*answer, "height");
  const auto channels = take_number(*answer, "channels");
  const auto* layers = answer->if_contains("layers");
  if (!format || !type || !width || !height || !channels || !layers || !layers->is_array())
    return nonsense;
  image_facts facts{std::move(*format), *width, *height, *channels, std::move(*type), {}};
  facts.view = take_text(*answer, "view").value_or("");
  for (const auto& layer : layers->get_array()) {
    if (!layer.is_string())
      return nonsense;
    facts.layers.emplace_back(layer.get_string());
  }
  return facts;
}

} // namespace kiln::image

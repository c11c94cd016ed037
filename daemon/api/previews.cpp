// SPDX-License-Identifier: Apache-2.0
#include "api/previews.hpp"

#include "api/answers.hpp"
#include "api/query.hpp"
#include "base/number.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace kiln::api {
namespace {

using access::role;
using http::answer;
using http::response;

constexpr std::array<int, 4> sizes{image::picture_wish::small, 320, 640, 1280};
constexpr int most_stops = 32;
constexpr std::size_t longest_layer = 255; // bytes
constexpr std::size_t most_in_sheet = 100;

error invalid(std::string why) {
  return {errc::invalid_input, std::move(why)};
}

struct picture_query {
  image::picture_wish wish;
  bool is_as_blender = false; ///< linear colours, as Blender shows them
};

result<picture_query> parse_picture_query(std::string_view query) {
  constexpr std::array<std::string_view, 4> known{"size", "view", "exposure", "layer"};
  const auto given = parse_parameters(query, known);
  if (!given)
    return given.error();
  picture_query asked;
  auto& wish = asked.wish;
  for (const auto& [name, value] : *given) {
    if (name == "size") {
      const auto size = parse_number<int>(value);
      if (!size || std::ranges::find(sizes, *size) == sizes.end())
        return invalid("size must be 160, 320, 640 or 1280");
      wish.longest = *size;
    } else if (name == "exposure") {
      const auto [end, wrong] = std::from_chars(value.data(), value.data() + value.size(), wish.exposure);
      if (wrong != std::errc{} || end != value.data() + value.size() ||
          !(std::abs(wish.exposure) <= most_stops))
        return invalid(fmt::format("exposure must lie between -{0} and {0} stops", most_stops));
    } else if (name == "layer") {
      if (value.empty() || value.size() > longest_layer)
        return invalid(fmt::format("layer must have 1 to {} bytes", longest_layer));
      wish.layer = value;
    } else {
      asked.is_as_blender = value == "blender";
      if (!asked.is_as_blender && value != "standard")
        return invalid("view must be standard or blender");
    }
  }
  return asked;
}

/// The frames of a sheet: of those of the job from "from" on, the first "count".
result<std::vector<int>> parse_range(std::string_view query, const domain::frame_set& of) {
  constexpr std::array<std::string_view, 2> known{"from", "count"};
  const auto given = parse_parameters(query, known);
  if (!given)
    return given.error();
  int from = 0;
  std::size_t count = most_in_sheet;
  if (const auto text = given->find("from"); text != given->end()) {
    const auto frame = parse_number<int>(text->second);
    if (!frame || *frame < 0)
      return invalid("from must be the number of a frame");
    from = *frame;
  }
  if (const auto text = given->find("count"); text != given->end()) {
    const auto number = parse_number<std::size_t>(text->second, 1, most_in_sheet);
    if (!number)
      return invalid(fmt::format("count must lie between 1 and {}", most_in_sheet));
    count = *number;
  }
  std::vector<int> frames;
  for (const int frame : of) {
    if (frame >= from)
      frames.push_back(frame);
    if (frames.size() == count)
      break;
  }
  if (frames.empty())
    return error{errc::not_found, fmt::format("the job has no frame from {} on", from)};
  return frames;
}

/// Images that have colours for a display are shown as they are.
bool is_linear(std::string_view image) {
  return image.ends_with(".exr");
}

answer picture_answer(const http::request& asked, output::result_file file, std::string_view view,
                      std::string_view name) {
  response head{
      .status = 200, .content_type = "image/webp", .body = {}, .cache_control = "private, no-cache"};
  head.fields.emplace_back("Content-Disposition", fmt::format("inline; filename=\"{}\"", name));
  if (!view.empty())
    head.fields.emplace_back("Kiln-View", std::string{view});
  return file_answer(asked, std::move(head), std::move(file), "the picture");
}

answer refusal(const error& e) {
  const bool is_of_image = e.code == errc::corrupt || e.code == errc::unsupported;
  return is_of_image ? answer{problem(422, e.message)} : refusal_of(e);
}

} // namespace

void previews::add_routes(http::service& to) {
  using http::request;
  to.on("GET", "/v1/jobs/{id}/frames/{frame}/preview", role::read,
        [this](const request& asked) { return one(asked); });
  to.on("GET", "/v1/jobs/{id}/previews", role::read, [this](const request& asked) { return sheet(asked); });
  to.on("GET", "/v1/jobs/{id}/previews/map", role::read,
        [this](const request& asked) { return sheet_map(asked); });
}

aio::task<answer> previews::one(const http::request& asked) {
  const auto of = co_await find_job(scheduler_, asked);
  if (!of)
    co_return refusal_of(of.error());
  auto wanted = parse_picture_query(asked.query);
  if (!wanted)
    co_return problem(400, wanted.error().message);
  const auto frame = parse_frame(asked.item);
  if (!frame || !(*of)->spec.frames.contains(*frame))
    co_return problem(404, "this is not a frame of the job");
  auto image = co_await output_.open_frame((*of)->id, *frame);
  if (!image && image.error().code == errc::not_found)
    co_return not_there(scheduler_, **of, fmt::format("frame {}", *frame));
  if (!image)
    co_return refusal_of(image.error());
  preview::shown_colours colours;
  std::string_view view = is_linear(image->name) ? "standard" : "file";
  if (is_linear(image->name) && wanted->is_as_blender) {
    auto found = colours_((*of)->spec.blender, (*of)->report);
    if (!found)
      co_return refusal(found.error());
    colours = std::move(*found);
    view = "blender";
  }
  auto made = co_await pictures_.of_frame((*of)->id, *frame, std::move(*image), std::move(wanted->wish),
                                          std::move(colours));
  if (!made)
    co_return refusal(made.error());
  co_return picture_answer(asked, std::move(*made), view, fmt::format("{}-{}.webp", (*of)->id.str(), *frame));
}

aio::task<answer> previews::sheet(const http::request& asked) {
  const auto of = co_await find_job(scheduler_, asked);
  if (!of)
    co_return refusal_of(of.error());
  auto frames = parse_range(asked.query, (*of)->spec.frames);
  if (!frames)
    co_return problem(frames.error().code == errc::not_found ? 404 : 400, frames.error().message);
  auto name = fmt::format("{}-{}-{}.webp", (*of)->id.str(), frames->front(), frames->back());
  auto made = co_await pictures_.sheet((*of)->id, std::move(*frames));
  if (!made && made.error().code == errc::not_found)
    co_return not_there(scheduler_, **of, "any of these frames");
  if (!made)
    co_return refusal(made.error());
  co_return picture_answer(asked, std::move(*made), {}, name);
}

aio::task<answer> previews::sheet_map(const http::request& asked) {
  const auto of = co_await find_job(scheduler_, asked);
  if (!of)
    co_return refusal_of(of.error());
  const auto frames = parse_range(asked.query, (*of)->spec.frames);
  if (!frames)
    co_return problem(frames.error().code == errc::not_found ? 404 : 400, frames.error().message);
  const auto columns = std::min<std::size_t>(preview::previews::sheet_columns, frames->size());
  const auto there = co_await output_.published((*of)->id);
  boost::json::array missing;
  for (const int frame : *frames)
    if (!there.contains(frame))
      missing.emplace_back(frame);
  boost::json::object map{{"columns", columns},
                          {"rows", (frames->size() + columns - 1) / columns},
                          {"frames", boost::json::array(frames->begin(), frames->end())},
                          {"missing", std::move(missing)}};
  co_return json_answer(200, std::move(map));
}

} // namespace kiln::api

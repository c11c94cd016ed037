// SPDX-License-Identifier: Apache-2.0
#include "preview/video.hpp"

#include "base/utf8.hpp"
#include "digest/sha256.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <sstream>

namespace kiln::preview {
namespace {

namespace json = boost::json;

struct encoder {
  std::string_view codec;
  std::string_view name;
  std::string_view arguments;
};

/// The best first. Qualities at which a viewer sees no difference from the frames without comparing them.
constexpr std::array encoders{
    encoder{"h264", "libx264", "-preset medium -crf 18"},
    encoder{"vp9", "libvpx-vp9", "-crf 24 -b:v 0 -deadline good -cpu-used 4 -row-mt 1"},
    encoder{"av1", "libaom-av1", "-crf 24 -b:v 0 -cpu-used 6 -row-mt 1"},
    encoder{"av1", "libsvtav1", "-preset 8 -crf 28"}, // not of less than 64 pixels
    encoder{"av1", "librav1e", "-qp 70 -speed 8"},
};

constexpr std::size_t id_digits = 24;

void add_words(std::vector<std::string>& to, std::string_view line) {
  std::istringstream words{std::string{line}};
  for (std::string word; words >> word;)
    to.push_back(std::move(word));
}

std::string text_of(const json::object& from, std::string_view name) {
  const auto* found = from.if_contains(name);
  const auto* text = found ? found->if_string() : nullptr;
  return text ? std::string{*text} : std::string{};
}

double number_of(const json::object& from, std::string_view name) {
  const auto* found = from.if_contains(name);
  return found && found->is_number() ? found->to_number<double>() : 0;
}

/// 0 if it is none, or beyond what frames and pixels can be.
int count_of(const json::object& from, std::string_view name) {
  const auto number = number_of(from, name);
  return number > 0 && number <= std::numeric_limits<int>::max() ? static_cast<int>(number) : 0;
}

json::object format_settings(const video_settings& of) {
  return {{"codec", of.codec},
          {"fps", of.fps},
          {"size", of.size ? json::value(*of.size) : json::value(nullptr)},
          {"gaps", of.holds_gaps ? "hold" : "refuse"},
          {"exposure", of.exposure}};
}

} // namespace

bool is_codec(std::string_view name) noexcept {
  return std::ranges::find(encoders, name, &encoder::codec) != encoders.end();
}

std::string_view extension_of(std::string_view codec) noexcept {
  return codec == "vp9" ? ".webm" : ".mp4";
}

json::object format_video(const video& of) {
  json::object out{{"id", of.id}, {"state", of.state}};
  for (auto& [name, value] : format_settings(of.settings))
    out[name] = value;
  out["frames"] = json::object{{"total", of.frames}, {"done", of.frames_done}};
  out["width"] = of.width > 0 ? json::value(of.width) : json::value(nullptr);
  out["height"] = of.height > 0 ? json::value(of.height) : json::value(nullptr);
  out["alpha"] = of.has_alpha;
  out["bytes"] = of.bytes > 0 ? json::value(of.bytes) : json::value(nullptr);
  out["failure"] = nullptr;
  if (of.failure)
    out["failure"] = json::object{{"kind", of.failure->kind}, {"message", as_utf8(of.failure->message)}};
  return out;
}

std::optional<video> parse_video(std::string_view text) {
  boost::system::error_code ec;
  const auto parsed = json::parse(text, ec);
  const auto* from = ec ? nullptr : parsed.if_object();
  if (!from)
    return std::nullopt;
  video read{.id = text_of(*from, "id"), .settings = {}, .state = text_of(*from, "state")};
  read.settings.codec = text_of(*from, "codec");
  if (!is_video_id(read.id) || !is_codec(read.settings.codec))
    return std::nullopt;
  read.settings.fps = number_of(*from, "fps");
  if (const auto size = count_of(*from, "size"); size > 0)
    read.settings.size = size;
  read.settings.holds_gaps = text_of(*from, "gaps") == "hold";
  read.settings.exposure = number_of(*from, "exposure");
  if (const auto* frames = from->if_contains("frames"); frames && frames->is_object()) {
    read.frames = static_cast<std::size_t>(count_of(frames->get_object(), "total"));
    read.frames_done = static_cast<std::size_t>(count_of(frames->get_object(), "done"));
  }
  read.width = count_of(*from, "width");
  read.height = count_of(*from, "height");
  const auto* alpha = from->if_contains("alpha");
  read.has_alpha = alpha && alpha->is_bool() && alpha->get_bool();
  if (const auto* failure = from->if_contains("failure"); failure && failure->is_object())
    read.failure =
        video_failure{text_of(failure->get_object(), "kind"), text_of(failure->get_object(), "message")};
  return read;
}

std::string video_id(const video_settings& settings, const std::vector<std::string>& marks) {
  auto all = json::serialize(format_settings(settings));
  for (const auto& mark : marks)
    all += "\n" + mark;
  return "v" + digest::sha256(all).substr(0, id_digits);
}

bool is_video_id(std::string_view text) noexcept {
  return text.size() == id_digits + 1 && text[0] == 'v' &&
         text.find_first_not_of("0123456789abcdef", 1) == std::string_view::npos;
}

void set_size(video& of, int frame_width, int frame_height) noexcept {
  const auto longest = std::max(frame_width, frame_height);
  const auto side = std::min({of.settings.size.value_or(longest), longest, video_settings::largest});
  const auto scale = [&](int pixels) {
    const auto scaled = (static_cast<std::int64_t>(pixels) * side + longest / 2) / longest;
    return std::max(static_cast<int>(scaled) / 2 * 2, 2);
  };
  of.width = scale(frame_width);
  of.height = scale(frame_height);
}

std::optional<std::string> choose_encoder(std::string_view codec, std::string_view listed) {
  for (const auto& one : encoders)
    if (one.codec == codec && listed.find(fmt::format(" {} ", one.name)) != std::string_view::npos)
      return std::string{one.name};
  return std::nullopt;
}

std::string encoders_of(std::string_view codec) {
  std::string names;
  for (const auto& one : encoders)
    if (one.codec == codec)
      names += (names.empty() ? "" : ", ") + std::string{one.name};
  return names;
}

std::vector<std::string> encoding_arguments(const video& of, std::string_view name, const std::string& file) {
  std::vector<std::string> all;
  add_words(all, "-hide_banner -nostdin -loglevel error -y -f rawvideo");
  const auto add = [&](std::string_view option, std::string value) {
    all.emplace_back(option);
    all.push_back(std::move(value));
  };
  add("-pixel_format", of.has_alpha ? "rgba" : "rgb24");
  add("-video_size", fmt::format("{}x{}", of.width, of.height));
  add("-framerate", fmt::format("{:.12g}", of.settings.fps));
  add("-i", "pipe:0");
  add("-c:v", std::string{name});
  for (const auto& one : encoders)
    if (one.name == name)
      add_words(all, one.arguments);
  if (of.has_alpha)
    add("-auto-alt-ref", "0"); // libvpx does not have both
  // The colours are named, since players guess otherwise.
  add("-vf", fmt::format("scale=out_color_matrix=bt709:out_range=tv,format={}",
                         of.has_alpha ? "yuva420p" : "yuv420p"));
  add_words(all, "-colorspace bt709 -color_primaries bt709 -color_trc iec61966-2-1 -color_range tv");
  if (extension_of(of.settings.codec) == ".mp4")
    add_words(all, "-movflags +faststart -f mp4");
  else
    add_words(all, "-f webm");
  all.push_back(file);
  return all;
}

std::vector<std::string> counting_arguments(const std::string& file) {
  std::vector<std::string> all;
  add_words(all,
            "-v error -count_frames -select_streams v:0 -show_entries stream=nb_read_frames -of csv=p=0");
  all.push_back(file);
  return all;
}

std::string last_line(std::string_view printed) {
  constexpr std::size_t longest = 300;
  while (!printed.empty() && (printed.back() == '\n' || printed.back() == '\r' || printed.back() == ' '))
    printed.remove_suffix(1);
  const auto line = printed.substr(printed.rfind('\n') + 1);
  return as_utf8(first_characters(line, longest));
}

} // namespace kiln::preview

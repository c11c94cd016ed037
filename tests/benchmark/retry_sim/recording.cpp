// SPDX-License-Identifier: Apache-2.0
#include "retry_sim/recording.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include <zlib.h>

namespace kiln::retry_sim {
namespace {

namespace json = boost::json;

error bad(std::string text) {
  return {errc::invalid_input, std::move(text)};
}

/// Of members that the recorder writes; anything else throws, and is reported as a broken line.
double seconds(const json::value& milliseconds) {
  const double value = milliseconds.to_number<double>() / 1000;
  if (!(value >= -1 && value < 1e6))
    throw std::invalid_argument("a time is negative or longer than 11 days");
  return std::max(0.0, value);
}

std::string text(const json::object& of, const char* name) {
  return std::string{of.at(name).as_string()};
}

recorded_event parse_event(const json::array& event) {
  recorded_event made{.at = seconds(event.at(0)), .what = {}};
  const std::string_view kind{event.at(1).as_string()};
  const auto& data = event.at(2);
  if (kind == "log") {
    made.what = log_piece{std::string{data.as_string()}};
  } else if (kind == "said") {
    auto said = blender::parse_session_event(json::serialize(data));
    if (!said)
      throw std::invalid_argument(said.error().message);
    made.what = std::move(*said);
  } else if (kind == "frame") {
    made.what = published{.frame = data.at("frame").to_number<int>(), .closed = seconds(data.at("closed"))};
  } else if (kind == "answer") {
    live_answer answer{.retry_after = data.at("retry_after").to_number<int>(),
                       .progress = data.at("progress").to_number<double>(),
                       .likely = {}};
    if (data.at("eta").is_object())
      answer.likely = data.at("eta").at("likely").to_number<double>();
    made.what = answer;
  } else {
    throw std::invalid_argument(fmt::format("there is no event \"{}\"", kind));
  }
  return made;
}

recording parse(const json::object& members) {
  recording made{.scene = text(members, "scene"),
                 .blender = text(members, "blender"),
                 .mode = text(members, "mode"),
                 .engine = text(members, "engine"),
                 .cores = members.at("cores").to_number<int>(),
                 .load = members.at("load").as_array().back().to_number<double>(),
                 .frames = {},
                 .began = seconds(members.at("began")),
                 .end = 0,
                 .events = {}};
  auto frames = domain::frame_set::parse(text(members, "frames"));
  if (!frames)
    throw std::invalid_argument(frames.error().message);
  made.frames = std::move(*frames);
  std::size_t done = 0;
  for (const auto& event : members.at("events").as_array()) {
    const auto& row = event.as_array();
    if (row.at(1).as_string() == "end") {
      made.end = seconds(row.at(0));
      continue;
    }
    made.events.push_back(parse_event(row));
    done += std::holds_alternative<published>(made.events.back().what);
  }
  if (made.end <= 0)
    throw std::invalid_argument("it has no end");
  if (done != made.frames.size())
    throw std::invalid_argument(fmt::format("{} of {} frames are published", done, made.frames.size()));
  std::ranges::stable_sort(made.events, {}, &recorded_event::at);
  return made;
}

/// All of a file; gzread passes on what is not packed.
result<std::string> read_all(const std::string& path) {
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> file(gzopen(path.c_str(), "rb"), gzclose);
  if (!file)
    return system_error(errno, fmt::format("open {}", path));
  std::string all;
  char buffer[65536];
  for (;;) {
    const int got = gzread(file.get(), buffer, sizeof buffer);
    if (got < 0)
      return bad(fmt::format("{}: gzip is broken", path));
    if (got == 0)
      return all;
    all.append(buffer, static_cast<std::size_t>(got));
  }
}

} // namespace

std::string recording::kind() const {
  const auto of = engine == "CYCLES" ? "" : engine == "BLENDER_EEVEE" ? " EEVEE" : " Workbench";
  return blender + of + " " + mode;
}

trace recording::as_trace() const {
  trace job{.family = kind(), .frames = {}, .fail_at = {}};
  double before = 0;
  for (const auto& event : events)
    if (const auto* frame = std::get_if<published>(&event.what)) {
      const double closed = std::clamp(frame->closed, before, end);
      job.frames.push_back(closed - before);
      before = closed;
    }
  job.frames.back() += end - before;
  return job;
}

result<recording> parse_recording(std::string_view line) {
  boost::system::error_code broken;
  const auto document = json::parse(line, broken);
  if (broken)
    return bad(fmt::format("not JSON ({})", broken.message()));
  if (!document.is_object())
    return bad("not a JSON object");
  try {
    return parse(document.get_object());
  } catch (const std::exception& wrong) {
    return bad(fmt::format("not a recording ({})", wrong.what()));
  }
}

result<std::vector<recording>> read_recordings(const std::vector<std::string>& paths) {
  std::vector<recording> all;
  for (const auto& path : paths) {
    const auto content = read_all(path);
    if (!content)
      return content.error();
    int number = 0;
    for (std::size_t at = 0; at < content->size(); ++number) {
      const auto end = std::min(content->find('\n', at), content->size());
      const std::string_view line{content->data() + at, end - at};
      at = end + 1;
      if (line.find_first_not_of(" \t\r") == std::string_view::npos)
        continue;
      auto one = parse_recording(line);
      if (!one)
        return error{one.error().code, fmt::format("{}:{}: {}", path, number + 1, one.error().message)};
      all.push_back(std::move(*one));
    }
  }
  if (all.empty())
    return bad("there is no recording in the files");
  return all;
}

} // namespace kiln::retry_sim

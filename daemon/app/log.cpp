// SPDX-License-Identifier: Apache-2.0
#include "app/log.hpp"

#include "app/syslog_sink.hpp"

#include <boost/json.hpp>
#include <fmt/chrono.h>
#include <spdlog/details/file_helper.h>
#include <spdlog/details/null_mutex.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace kiln::app {
namespace {

class json_formatter final : public spdlog::formatter {
public:
  void format(const spdlog::details::log_msg& msg, spdlog::memory_buf_t& out) override {
    const auto ms = std::chrono::time_point_cast<std::chrono::milliseconds>(msg.time);
    const auto seconds = std::chrono::time_point_cast<std::chrono::seconds>(ms);
    boost::json::object line;
    line["time"] = fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(seconds), (ms - seconds).count());
    const auto level = spdlog::level::to_string_view(msg.level);
    line["level"] = boost::json::string_view{level.data(), level.size()};
    const auto message = split_fields({msg.payload.data(), msg.payload.size()});
    line["message"] = message.text;
    for (const auto& [key, value] : message.fields)
      line[key] = value;
    const auto text = boost::json::serialize(line);
    out.append(text.data(), text.data() + text.size());
    out.push_back('\n');
  }
  std::unique_ptr<spdlog::formatter> clone() const override { return std::make_unique<json_formatter>(); }
};

/// A file that can be opened anew. Used from the loop only, hence no mutex.
class file_sink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
public:
  explicit file_sink(const std::filesystem::path& file) { file_.open(file.native()); }
  void reopen() { file_.reopen(false); }

protected:
  void sink_it_(const spdlog::details::log_msg& msg) override {
    spdlog::memory_buf_t formatted;
    formatter_->format(msg, formatted);
    file_.write(formatted);
    file_.flush();
  }
  void flush_() override { file_.flush(); }

private:
  spdlog::details::file_helper file_;
};

bool is_key(std::string_view word) {
  return !word.empty() && word.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string_view::npos;
}

} // namespace

log_message split_fields(std::string_view message) {
  log_message out{message, {}};
  std::size_t value_at = 0; // of the last field that was found
  for (std::size_t at = 0; at < message.size();) {
    const auto space = std::min(message.find(' ', at), message.size());
    const auto equals = message.find('=', at);
    if (equals < space && is_key(message.substr(at, equals - at))) {
      if (out.fields.empty())
        out.text = message.substr(0, at > 0 ? at - 1 : 0);
      else
        out.fields.back().second = message.substr(value_at, at - 1 - value_at);
      value_at = equals + 1;
      out.fields.emplace_back(message.substr(at, equals - at), message.substr(value_at));
      if (out.fields.back().first == "reason") // a text for people: it takes the rest, whatever stands in it
        break;
    }
    at = space + 1;
  }
  return out;
}

result<log> open_log(const std::filesystem::path& file, const std::string& level, bool json) {
  log out;
  std::shared_ptr<spdlog::sinks::sink> sink;
  try {
    if (file.empty()) {
      sink = std::make_shared<spdlog::sinks::stderr_sink_st>();
      out.reopen = [] {};
    } else if (file == "syslog") {
      sink = std::make_shared<syslog_sink>();
      out.reopen = [] {};
    } else {
      auto to_file = std::make_shared<file_sink>(file);
      out.reopen = [to_file] { to_file->reopen(); };
      sink = to_file;
    }
  } catch (const spdlog::spdlog_ex& e) {
    return error{errc::unavailable, fmt::format("log_file: {}", e.what())};
  }
  if (json)
    sink->set_formatter(std::make_unique<json_formatter>());
  else if (file == "syslog") // which has time and level of its own
    sink->set_formatter(std::make_unique<spdlog::pattern_formatter>("%v"));
  else
    sink->set_formatter(std::make_unique<spdlog::pattern_formatter>("%Y-%m-%dT%H:%M:%S.%eZ %-5l %v",
                                                                    spdlog::pattern_time_type::utc));
  out.logger = std::make_shared<spdlog::logger>("kilnd", std::move(sink));
  out.logger->set_level(spdlog::level::from_str(level));
  return out;
}

} // namespace kiln::app

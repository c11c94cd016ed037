// SPDX-License-Identifier: Apache-2.0
#include "app/log.hpp"

#include "aio/unique_descriptor.hpp"
#include "app/syslog_sink.hpp"

#include <boost/json.hpp>
#include <fmt/chrono.h>
#include <spdlog/details/null_mutex.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

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

/// Appends to a file. Used from the loop only, hence no mutex. spdlog's own file_helper closes the old file
/// before it opens the new one, and sleeps between its tries.
class file_sink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
public:
  explicit file_sink(std::filesystem::path file) : path_(std::move(file)) {}

  /// Opens the file and closes the previous one, which stays in use after an error.
  result<void> open() {
    std::error_code ignored; // open() reports a missing directory
    std::filesystem::create_directories(path_.parent_path(), ignored);
    constexpr mode_t mode = S_IRUSR | S_IWUSR | S_IRGRP | S_IWGRP | S_IROTH | S_IWOTH; // less the umask
    aio::unique_descriptor opened{::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, mode)};
    if (!opened.is_open())
      return system_error(errno, "log_file: open " + path_.native());
    file_.emplace(std::move(opened));
    return {};
  }

protected:
  void sink_it_(const spdlog::details::log_msg& msg) override {
    spdlog::memory_buf_t formatted;
    formatter_->format(msg, formatted);
    for (std::string_view left{formatted.data(), formatted.size()}; !left.empty();) {
      const auto written = ::write(file_->get(), left.data(), left.size());
      if (written < 0 && errno != EINTR)
        throw spdlog::spdlog_ex("write " + path_.native(), errno);
      left.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(written, 0)));
    }
  }
  void flush_() override {}

private:
  std::filesystem::path path_;
  std::optional<aio::unique_descriptor> file_; ///< always set once open() has succeeded
};

bool is_key(std::string_view word) {
  return !word.empty() && word.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string_view::npos;
}

} // namespace

log_message split_fields(std::string_view message) {
  log_message out{message, {}};
  std::size_t value_at = 0; // of the last field found
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
      if (out.fields.back().first == "reason") // a text for people: it takes the rest of the line
        break;
    }
    at = space + 1;
  }
  return out;
}

result<log> open_log(const std::filesystem::path& file, const std::string& level, bool json) {
  log out;
  std::shared_ptr<spdlog::sinks::sink> sink;
  out.reopen = []() -> result<void> { return {}; };
  if (file.empty()) {
    sink = std::make_shared<spdlog::sinks::stderr_sink_st>();
  } else if (file == "syslog") {
    sink = std::make_shared<syslog_sink>();
  } else {
    auto to_file = std::make_shared<file_sink>(file);
    if (auto opened = to_file->open(); !opened)
      return opened.error();
    out.reopen = [to_file] { return to_file->open(); };
    sink = to_file;
  }
  if (json)
    sink->set_formatter(std::make_unique<json_formatter>());
  else if (file == "syslog") // syslog adds time and level itself
    sink->set_formatter(std::make_unique<spdlog::pattern_formatter>("%v"));
  else
    sink->set_formatter(std::make_unique<spdlog::pattern_formatter>("%Y-%m-%dT%H:%M:%S.%eZ %-5l %v",
                                                                    spdlog::pattern_time_type::utc));
  out.logger = std::make_shared<spdlog::logger>("kilnd", std::move(sink));
  out.logger->set_level(spdlog::level::from_str(level));
  return out;
}

} // namespace kiln::app

// SPDX-License-Identifier: Apache-2.0
//
// The daemon's log. Messages end in `key=value` words (job=…, pid=…, request=…; the last value may contain
// spaces): in text they are printed unchanged, in JSON they become fields.
#pragma once

#include "base/error.hpp"

#include <spdlog/logger.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kiln::app {

struct log {
  std::shared_ptr<spdlog::logger> logger;
  /// Opens the file again after logrotate has moved it. After an error the old file stays in use.
  std::function<result<void>()> reopen;
};

/// `level`: a name of spdlog's. An empty `file` is standard error, "syslog" the machine's
/// syslog.
[[nodiscard]] result<log> open_log(const std::filesystem::path& file, const std::string& level, bool json);

struct log_message {
  std::string_view text;
  std::vector<std::pair<std::string_view, std::string_view>> fields;
};

/// "job ended job=j1 reason=no camera" → text "job ended", fields job: "j1", reason: "no camera".
[[nodiscard]] log_message split_fields(std::string_view message);

} // namespace kiln::app

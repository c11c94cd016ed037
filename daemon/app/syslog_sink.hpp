// SPDX-License-Identifier: Apache-2.0
//
// The machine's syslog as a target of the log: RFC 3164 as syslogd reads it on /dev/log. Unlike syslog(3) it
// never waits: lines that a stuck syslogd does not read are dropped, and their number is logged when it reads
// again.
#pragma once

#include "aio/unique_descriptor.hpp"

#include <spdlog/details/null_mutex.h>
#include <spdlog/sinks/base_sink.h>

#include <filesystem>

namespace kiln::app {

/// Used from the loop only, hence no mutex.
class syslog_sink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
public:
  explicit syslog_sink(const std::filesystem::path& socket = "/dev/log");

protected:
  void sink_it_(const spdlog::details::log_msg& msg) override;
  void flush_() override {}

private:
  [[nodiscard]] bool send(int severity, std::string_view text);

  std::filesystem::path socket_;
  aio::unique_descriptor fd_;
  std::size_t dropped_ = 0;
};

} // namespace kiln::app

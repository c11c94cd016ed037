// SPDX-License-Identifier: Apache-2.0
#include "api/frame_log.hpp"

#include "blender/progress_reader.hpp"

#include <algorithm>
#include <stdexcept>

#include <unistd.h>

namespace kiln::api {
namespace {

constexpr std::size_t read_size = 256 * 1024;

} // namespace

aio::task<std::string_view> frame_log::next() {
  found_.clear();
  const auto read_here = [this] { return read_some(); };
  bool has_more = true;
  while (found_.empty() && has_more)
    has_more = co_await pool_.run(read_here);
  co_return found_;
}

bool frame_log::read_some() {
  if (attempt_ == attempts_.size())
    return false;
  const auto& log = attempts_[attempt_];
  const auto on_line = [this](std::string_view line) { take(line); };
  if (at_ == log.size) {
    lines_.finish(on_line);
    ++attempt_;
    at_ = 0;
    is_of_frame_ = false;
    return true;
  }
  std::string piece(std::min<std::uint64_t>(read_size, log.size - at_), ' ');
  const auto got = ::pread(log.file->get(), piece.data(), piece.size(), static_cast<off_t>(at_));
  if (got <= 0)
    throw std::runtime_error(log.name + " became shorter while it was read");
  at_ += static_cast<std::uint64_t>(got);
  lines_.feed(std::string_view{piece}.substr(0, static_cast<std::size_t>(got)), on_line);
  return true;
}

void frame_log::take(std::string_view line) {
  if (const auto named = blender::frame_in(line))
    is_of_frame_ = *named == frame_;
  if (is_of_frame_)
    (found_ += line) += '\n';
}

} // namespace kiln::api

// SPDX-License-Identifier: Apache-2.0
//
// The part of a log that is about one frame: from a line that names it to one that names another, in each
// attempt. It is found while it is sent, so a log of any size needs little memory.
#pragma once

#include "aio/blocking_pool.hpp"
#include "blender/line_splitter.hpp"
#include "http/message.hpp"
#include "output/output_store.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace kiln::api {

class frame_log final : public http::body_stream {
public:
  /// `pool` must outlive it.
  frame_log(aio::blocking_pool& pool, std::vector<output::result_file> attempts, int frame)
      : pool_(pool), attempts_(std::move(attempts)), frame_(frame) {}

  [[nodiscard]] aio::task<std::string_view> next() override;

private:
  /// Whether there is more to read.
  [[nodiscard]] bool read_some();
  void take(std::string_view line);

  aio::blocking_pool& pool_;
  std::vector<output::result_file> attempts_;
  int frame_;
  std::size_t attempt_ = 0;
  std::uint64_t at_ = 0;     ///< in its log
  bool is_of_frame_ = false; ///< the lines that come
  blender::line_splitter lines_;
  std::string found_;
};

} // namespace kiln::api

// SPDX-License-Identifier: Apache-2.0
//
// What is kept of a .blend that a client has sent, besides its file.
#pragma once

#include "blender/blend_file.hpp"
#include "blender/render_info.hpp"
#include "store/job_record.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace kiln::store {

struct upload_record {
  std::int64_t number = 0; ///< in the order in which they came; the store gives it
  std::string digest;      ///< SHA-256 of the content, 64 hexadecimal digits
  std::string name;        ///< as its client called it; for people only
  std::uintmax_t bytes = 0;
  blender::blend_header header;
  std::optional<blender::render_info> render = {};
  time_point created;
  time_point used; ///< when it came again, a job was made of it, or such a job ended: the last of these
  bool is_needed = false; ///< by a job that is not final; the store says so

  friend bool operator==(const upload_record&, const upload_record&) = default;
};

} // namespace kiln::store

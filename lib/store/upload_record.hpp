// SPDX-License-Identifier: Apache-2.0
//
// The stored facts of an uploaded .blend, in addition to its file.
#pragma once

#include "blender/blend_file.hpp"
#include "blender/render_info.hpp"
#include "store/job_record.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace kiln::store {

struct upload_record {
  std::int64_t number = 0; ///< in order of arrival; assigned by the store
  std::string digest;      ///< SHA-256 of the content, 64 hexadecimal digits
  std::string name;        ///< the client's name for it; for people only
  std::uintmax_t bytes = 0;
  blender::blend_header header;
  std::optional<blender::render_info> render = {};
  time_point created;
  time_point used;        ///< time of the last upload, submission of a job with it, or end of such a job
  bool is_needed = false; ///< needed by a job that is not final; set by the store

  friend bool operator==(const upload_record&, const upload_record&) = default;
};

} // namespace kiln::store

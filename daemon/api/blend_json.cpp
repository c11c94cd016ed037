// SPDX-License-Identifier: Apache-2.0
#include "api/blend_json.hpp"

#include "api/job_json.hpp"
#include "blender/install_choice.hpp"

namespace kiln::api {

boost::json::object format_upload(const store::upload_record& upload,
                                  std::optional<std::chrono::milliseconds> keep) {
  const auto id = "sha256:" + upload.digest;
  boost::json::object out{{"id", id}, {"name", nullptr}, {"bytes", upload.bytes}};
  if (!upload.name.empty())
    out["name"] = upload.name;
  out["packing"] = blender::to_string(upload.header.packed);
  out["blender"] = nullptr;
  if (const auto version = upload.header.version) // 304 = 3.4
    out["blender"] = blender::format_version(*version);
  out["frame_start"] = out["frame_end"] = out["scene"] = nullptr;
  if (const auto& render = upload.render) {
    out["frame_start"] = render->frame_start;
    out["frame_end"] = render->frame_end;
    out["scene"] = render->scene;
  }
  out["created_at"] = format_time(upload.created);
  out["used_at"] = format_time(upload.used);
  out["needed"] = upload.is_needed;
  out["expires_at"] = nullptr;
  if (keep && !upload.is_needed)
    out["expires_at"] = format_time(upload.used + *keep);
  out["links"] = boost::json::object{{"self", "/v1/blends/" + id}};
  return out;
}

} // namespace kiln::api

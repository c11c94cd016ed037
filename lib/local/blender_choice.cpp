// SPDX-License-Identifier: Apache-2.0
#include "local/blender_choice.hpp"

#include <utility>

namespace kiln::local {

std::variant<blender::choice, domain::failure> choose_blender(const std::vector<blender::install>& installs,
                                                              const domain::job_spec& spec,
                                                              const executor::blend_opener& open) {
  auto file = executor::read_blend(spec.blend, open);
  if (auto* bad = std::get_if<domain::failure>(&file))
    return std::move(*bad);
  return blender::choose_blender(installs, spec.blender, std::get<blender::blend_facts>(file),
                                 spec.blend_name);
}

} // namespace kiln::local

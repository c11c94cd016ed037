// SPDX-License-Identifier: Apache-2.0
//
// The colours that the Blender of a job shows for linear ones.
#pragma once

#include "aio/task.hpp"
#include "aio/unique_descriptor.hpp"
#include "base/error.hpp"

#include <functional>
#include <memory>
#include <string>

namespace kiln::preview {

struct shown_colours {
  using open_file = std::shared_ptr<const aio::unique_descriptor>;

  std::string key; ///< empty: none are asked for; other colours have another key
  /// The file that daemon/decoder/cube.hpp reads. Asked for only if a picture has to be made.
  std::function<aio::task<result<open_file>>()> cube;
};

} // namespace kiln::preview

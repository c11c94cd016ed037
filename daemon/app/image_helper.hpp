// SPDX-License-Identifier: Apache-2.0
//
// Starts kiln-image for image::helper_image_check, which knows nothing of processes.
#pragma once

#include "image/helper_image_check.hpp"

#include <filesystem>

namespace kiln::app {

/// kiln-image beside the program that runs. The system's error when that cannot be found out.
[[nodiscard]] result<std::filesystem::path> image_helper_beside_us();

/// `program` is absolute. What it prints (it should print nothing) goes to `log_file`, whose directory
/// exists.
[[nodiscard]] image::helper_image_check::starter
image_helper_starter(aio::executor_type loop, std::filesystem::path program, std::filesystem::path log_file);

} // namespace kiln::app

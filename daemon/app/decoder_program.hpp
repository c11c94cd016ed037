// SPDX-License-Identifier: Apache-2.0
//
// Starts kiln-image for image::decoding_image_check, which knows nothing of processes.
#pragma once

#include "image/decoding_image_check.hpp"

#include <filesystem>

namespace kiln::app {

/// kiln-image beside the program that runs. The system's error when that cannot be found out.
[[nodiscard]] result<std::filesystem::path> decoder_beside_us();

/// `program` is absolute. What it prints (it should print nothing) goes to `log_file`, whose directory
/// exists.
[[nodiscard]] image::decoding_image_check::starter
decoder_starter(aio::executor_type loop, std::filesystem::path program, std::filesystem::path log_file);

} // namespace kiln::app

// SPDX-License-Identifier: Apache-2.0
//
// Starts kiln-image for image::decoding_image_check, which is independent of processes.
#pragma once

#include "image/decoding_image_check.hpp"

#include <filesystem>

namespace kiln::app {

/// The path of kiln-image beside the running program. An error of the system if that path is unknown.
[[nodiscard]] result<std::filesystem::path> decoder_beside_us();

/// `program`: absolute. Its output (there should be none) goes to `log_file`, whose directory exists.
[[nodiscard]] image::decoding_image_check::starter
decoder_starter(aio::executor_type loop, std::filesystem::path program, std::filesystem::path log_file);

} // namespace kiln::app

// SPDX-License-Identifier: Apache-2.0
//
// From a workspace to the final paths: what Blender has written is verified and published, and what became of
// it stands in the facts of the attempt. Which files are worth a look, and when, is for its owner.
#pragma once

#include "aio/blocking_pool.hpp"
#include "domain/attempt.hpp"
#include "executor/executor.hpp"
#include "image/image_check.hpp"

#include <exception>
#include <filesystem>
#include <optional>

namespace kiln::executor {

class frame_intake {
public:
  /// What it is given outlives it. `facts.requested` are the frames that it takes.
  frame_intake(aio::blocking_pool& pool, image::image_check& images, std::filesystem::path final_dir,
               domain::attempt_facts& facts);

  /// Publishes a file that is a whole frame. The news, once for each frame; nothing for any other file. One
  /// that is not whole is rejected until it is looked at again.
  [[nodiscard]] aio::task<std::optional<published_frame>> consider(std::filesystem::path file,
                                                                   aio::clock::time_point closed);

private:
  void accept(int frame);
  void reject(int frame, std::string why);

  aio::blocking_pool& pool_;
  image::image_check& images_;
  std::filesystem::path final_dir_;
  domain::attempt_facts& facts_;
};

/// One of each kind: the first explains most, and a log may repeat itself for ever.
void complain(domain::attempt_facts& to, domain::failure what);

/// Of Kiln itself.
[[nodiscard]] domain::failure internal_failure(const std::string& what);
void complain_of(domain::attempt_facts& to, const std::exception_ptr& thrown);

} // namespace kiln::executor

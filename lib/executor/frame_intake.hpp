// SPDX-License-Identifier: Apache-2.0
//
// From a workspace to the final paths: what Blender has written is verified and published, and what became of
// it stands in the facts of the attempt. Which files are worth a look, and when, is for its owner.
#pragma once

#include "aio/blocking_pool.hpp"
#include "domain/attempt.hpp"
#include "executor/executor.hpp"
#include "executor/taken_frame.hpp"
#include "image/image_check.hpp"

#include <exception>
#include <filesystem>
#include <optional>

namespace kiln::executor {

class frame_intake {
public:
  struct places {
    std::filesystem::path final_dir;
    std::filesystem::path taken = {}; ///< where files lie while they are verified; none for custody::in_place
    custody how = custody::in_place;
  };

  /// What it is given outlives it. `facts.requested` are the frames that it takes.
  frame_intake(aio::blocking_pool& pool, image::image_check& images, places of, domain::attempt_facts& facts);

  /// Publishes a file that is a whole frame. The news, once for each frame; nothing for any other file. One
  /// that is not whole is rejected until it is looked at again.
  [[nodiscard]] aio::task<std::optional<published_frame>> consider(std::filesystem::path file,
                                                                   aio::clock::time_point closed);

private:
  void accept(int frame);
  void reject(int frame, std::string why);
  void complain_of_writing(int frame, const error& e);

  aio::blocking_pool& pool_;
  image::image_check& images_;
  places places_;
  domain::attempt_facts& facts_;
};

/// One of each kind: the first explains most, and a log may repeat itself for ever.
void complain(domain::attempt_facts& to, domain::failure what);

/// Of Kiln itself.
[[nodiscard]] domain::failure internal_failure(const std::string& what);
/// The same, or that the machine lacks something for now.
[[nodiscard]] domain::failure failure_of(const error& e);
void complain_of(domain::attempt_facts& to, const std::exception_ptr& thrown);

} // namespace kiln::executor

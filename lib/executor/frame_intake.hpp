// SPDX-License-Identifier: Apache-2.0
//
// Moves frames from a workspace to their final paths: verifies and publishes files that Blender has written,
// and records the outcome in the facts of the attempt. The owner decides which files to consider, and when.
// Blender writes a frame last, so the files of its File Output nodes (output_name.hpp) are there by then:
// they are taken, verified and published with it. A frame is published only with all of them.
#pragma once

#include "aio/blocking_pool.hpp"
#include "domain/attempt.hpp"
#include "executor/executor.hpp"
#include "executor/taken_frame.hpp"
#include "image/image_check.hpp"

#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace kiln::executor {

class frame_intake {
public:
  struct places {
    std::filesystem::path final_dir;
    std::filesystem::path taken = {}; ///< location of files being verified; none for custody::in_place
    custody how = custody::in_place;
  };

  /// The objects passed by reference must outlive it. It accepts the frames in `facts.requested`.
  frame_intake(aio::blocking_pool& pool, image::image_check& images, places of, domain::attempt_facts& facts);

  /// Publishes `file` if it is a complete frame. Returns each published frame once; nullopt for any other
  /// file. An incomplete frame is rejected until it is considered again.
  [[nodiscard]] aio::task<std::optional<published_frame>> consider(std::filesystem::path file,
                                                                   aio::clock::time_point closed);

private:
  using taken_ptr = std::shared_ptr<const taken_frame>;

  /// A verified file, and the small picture of it.
  struct taken_image {
    taken_ptr file = {};
    std::string picture = {};
  };

  [[nodiscard]] aio::task<taken_image> take_image(int frame, std::filesystem::path file, bool is_further);
  void accept(int frame);
  void reject(int frame, std::string why);
  void complain_of_writing(int frame, const error& e);

  aio::blocking_pool& pool_;
  image::image_check& images_;
  places places_;
  domain::attempt_facts& facts_;
};

/// Keeps one failure of each kind: the first explains most, and a log may repeat itself endlessly.
void complain(domain::attempt_facts& to, domain::failure what);

/// A failure of Kiln itself.
[[nodiscard]] domain::failure internal_failure(const std::string& what);
/// The same, or a temporary lack of resources on this machine.
[[nodiscard]] domain::failure failure_of(const error& e);
void complain_of(domain::attempt_facts& to, const std::exception_ptr& thrown);

} // namespace kiln::executor

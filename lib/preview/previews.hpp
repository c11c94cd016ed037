// SPDX-License-Identifier: Apache-2.0
//
// Pictures of frames for people: found where they were made before, or made by kiln-image, in processes of
// their own so that frames are verified meanwhile. Those made on demand are removed, the oldest first, beyond
// a quota.
#pragma once

#include "aio/blocking_pool.hpp"
#include "aio/notification.hpp"
#include "base/ids.hpp"
#include "image/decoding_image_check.hpp"
#include "image/picture_wish.hpp"
#include "output/results.hpp"
#include "output/views.hpp"
#include "preview/shown_colours.hpp"

#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace kiln::preview {

class previews {
public:
  static constexpr int sheet_columns = 10;

  /// `quota`: bytes of all pictures made on demand. What is passed by reference outlives it.
  previews(aio::executor_type loop, image::decoding_image_check& decoder, aio::blocking_pool& pool,
           std::filesystem::path output, std::uintmax_t quota);

  /// A picture of a published frame, whose image is open. `colours`: of the image if it is linear. corrupt
  /// with the reason if none can be made of it.
  [[nodiscard]] aio::task<result<output::result_file>>
  of_frame(job_id of, int frame, output::result_file image, image::picture_wish wish, shown_colours colours);

  /// The small pictures of frames side by side, in rows of sheet_columns; cells of frames that are not there,
  /// or of which no picture can be made, stay empty. not_found if none is there.
  [[nodiscard]] aio::task<result<output::result_file>> sheet(job_id of, std::vector<int> frames);

private:
  using maker = std::function<aio::task<result<image::image_facts>>()>;

  [[nodiscard]] aio::task<result<output::result_file>> find_or_make(job_id of, std::string name, maker make);
  [[nodiscard]] aio::task<result<image::image_facts>> draw(shown_colours::open_file image,
                                                           image::picture_wish wish, shown_colours colours);
  /// `cells`: frames, each with the name of its picture, or none.
  [[nodiscard]] aio::task<result<image::image_facts>>
  draw_sheet(job_id of, std::vector<std::pair<int, std::string>> cells);
  [[nodiscard]] aio::task<> count(std::filesystem::path path, std::uintmax_t bytes);

  image::decoding_image_check& decoder_;
  aio::blocking_pool& pool_;
  std::filesystem::path output_;
  std::uintmax_t quota_;
  std::set<std::string> in_work_; ///< JOB/NAME: asked for again, it is made once
  aio::notification made_;
  std::deque<output::made_view> kept_; ///< made on demand, the oldest first
  std::uintmax_t kept_bytes_ = 0;
  bool has_listed_ = false; ///< those of earlier runs of kilnd
};

} // namespace kiln::preview

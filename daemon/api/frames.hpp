// SPDX-License-Identifier: Apache-2.0
//
// /v1/jobs/{id}/frames/{frame}: the images, and all of them in one archive. A frame's further files:
// /v1/jobs/{id}/outputs.
#pragma once

#include "aio/blocking_pool.hpp"
#include "api/frames_zip.hpp"
#include "http/service.hpp"
#include "output/output_store.hpp"
#include "scheduler/scheduler.hpp"

#include <string>
#include <unordered_map>

namespace kiln::api {

class frames {
public:
  /// What is given outlives it.
  frames(scheduler::scheduler& of, output::output_store& files, aio::blocking_pool& pool);

  /// It outlives the service's requests.
  void add_routes(http::service& to);

private:
  [[nodiscard]] aio::task<http::answer> image(const http::request& asked);
  [[nodiscard]] aio::task<http::answer> output(const http::request& asked);
  [[nodiscard]] aio::task<http::answer> zip(const http::request& asked);
  /// An image, a frame's or a further one, in the answer to a request for it.
  [[nodiscard]] aio::task<http::answer> answer_with(const http::request& asked, output::result_file file);

  scheduler::scheduler& scheduler_;
  output::output_store& output_;
  aio::blocking_pool& pool_;
  known_checksums checksums_;
  std::unordered_map<std::string, std::string> digests_; ///< SHA-256 of files by their marks; bounded
};

} // namespace kiln::api

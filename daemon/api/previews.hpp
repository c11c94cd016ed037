// SPDX-License-Identifier: Apache-2.0
//
// Pictures of frames for people, in WebP: /v1/jobs/{id}/frames/{frame}/preview, and many of them in one:
// /v1/jobs/{id}/previews.
#pragma once

#include "http/service.hpp"
#include "output/output_store.hpp"
#include "preview/previews.hpp"
#include "scheduler/scheduler.hpp"

#include <functional>
#include <string>
#include <utility>

namespace kiln::api {

class previews {
public:
  /// The colours that a Blender shows, by its name and the report of a job that it has rendered.
  using colour_finder =
      std::function<result<preview::shown_colours>(const std::string& blender, const std::string& report)>;

  /// The objects passed by reference must outlive it.
  previews(scheduler::scheduler& of, output::output_store& files, preview::previews& pictures,
           colour_finder colours)
      : scheduler_(of), output_(files), pictures_(pictures), colours_(std::move(colours)) {}

  /// This object must outlive the service's requests.
  void add_routes(http::service& to);

private:
  [[nodiscard]] aio::task<http::answer> one(const http::request& asked);
  [[nodiscard]] aio::task<http::answer> sheet(const http::request& asked);
  [[nodiscard]] aio::task<http::answer> sheet_map(const http::request& asked);

  scheduler::scheduler& scheduler_;
  output::output_store& output_;
  preview::previews& pictures_;
  colour_finder colours_;
};

} // namespace kiln::api

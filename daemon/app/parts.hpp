// SPDX-License-Identifier: Apache-2.0
//
// The composition root: what a running daemon is made of, in the order of the floors, and how it is tied
// together.
#pragma once

#include "access/gate.hpp"
#include "aio/blocking_pool.hpp"
#include "api/blenders.hpp"
#include "api/blends.hpp"
#include "api/events.hpp"
#include "api/frame_lists.hpp"
#include "api/frames.hpp"
#include "api/health.hpp"
#include "api/job_lists.hpp"
#include "api/jobs.hpp"
#include "api/logs.hpp"
#include "api/metrics.hpp"
#include "api/poll_delay.hpp"
#include "api/previews.hpp"
#include "api/project_files.hpp"
#include "api/reference.hpp"
#include "api/sign_in.hpp"
#include "api/statistics.hpp"
#include "api/system.hpp"
#include "api/tutorial.hpp"
#include "api/videos.hpp"
#include "api/webhooks.hpp"
#include "app/blender_inquiry.hpp"
#include "app/colours.hpp"
#include "app/part_settings.hpp"
#include "app/token_keeper.hpp"
#include "blends/blend_finder.hpp"
#include "executor/executor.hpp"
#include "http/server.hpp"
#include "image/decoding_image_check.hpp"
#include "image/structural_image_check.hpp"
#include "local/installs.hpp"
#include "output/directory_store.hpp"
#include "preview/previews.hpp"
#include "preview/videos.hpp"
#include "retention/retention.hpp"
#include "scheduler/scheduler.hpp"
#include "store/database.hpp"
#include "store/sqlite_job_store.hpp"
#include "store/sqlite_upload_store.hpp"
#include "store/sqlite_webhook_store.hpp"
#include "webhook/courier.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace kiln::app {

/// All of a running daemon but its signals. Members are made from the first to the last, and go in the
/// opposite order.
struct parts {
  parts(aio::executor_type loop, const config& c, std::vector<blender::install> found, const sandbox& around,
        std::filesystem::path decoder, std::shared_ptr<store::database> kept,
        std::unique_ptr<webhook::sender> to_webhooks, spdlog::logger& log,
        const std::vector<std::string>& environment);

  store::sqlite_job_store store;
  store::sqlite_upload_store upload_store;
  store::sqlite_webhook_store webhook_store;
  std::unique_ptr<webhook::sender> webhook_sender;
  webhook::courier courier;
  aio::blocking_pool pool;
  image::structural_image_check structure;
  image::decoding_image_check decoding;
  image::decoding_image_check drawing; ///< pictures on demand
  image::decoding_image_check filming; ///< frames of videos
  std::shared_ptr<local::local_times> blender_times = std::make_shared<local::local_times>();
  bounded_runs questions; ///< to a Blender
  std::shared_ptr<local::installs> installs;
  std::unique_ptr<executor::executor> attempts;
  executor::executor& executor;
  output::directory_store output;
  scheduler::scheduler scheduler;
  api::poll_delay ends;
  blends::uploads uploads;
  blends::blend_finder blend_finder;
  api::tutorial tutorial;
  retention::retention retention;
  api::events events;
  api::job_lists job_lists;
  api::jobs jobs;
  api::frame_lists frame_lists;
  api::frames frames;
  preview::previews pictures;
  colours blender_colours;
  api::previews previews;
  preview::videos films;
  api::videos videos;
  api::logs logs;
  api::blends blends;
  api::project_files project_files;
  api::webhooks webhooks;
  api::metrics metrics;
  api::reference reference;
  blender_inquiry inquiry;
  api::blenders blenders;
  api::health health;
  access::gate doors;
  http::service service;
  http::server server;
  api::statistics statistics;
  api::system_view system_view;
  api::sign_in sign_in;
  token_keeper tokens;

private:
  [[nodiscard]] std::optional<std::string> known_trouble() const;
  [[nodiscard]] aio::task<api::readiness> look_at_machine(config c);
};

} // namespace kiln::app

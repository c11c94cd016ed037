// SPDX-License-Identifier: Apache-2.0
#include "api/metrics.hpp"

#include "aio/directory.hpp"
#include "api/process_usage.hpp"

#include <fmt/format.h>

#include <array>
#include <limits>
#include <utility>
#include <vector>

#include <prometheus/text_serializer.h>

namespace kiln::api {
namespace {

namespace prom = prometheus;
using domain::job_state;
using labels = std::vector<prom::ClientMetric::Label>;

constexpr std::array frame_bounds{0.1,  0.25, 0.5,   1.0,   2.5,   5.0,    10.0,
                                  30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0};

/// The gathered metrics, in the order of the answer.
class collection {
public:
  void gauge(std::string name, std::string help) {
    begin(std::move(name), std::move(help), prom::MetricType::Gauge);
  }
  void counter(std::string name, std::string help) {
    begin(std::move(name), std::move(help), prom::MetricType::Counter);
  }
  void distribution(std::string name, std::string help) {
    begin(std::move(name), std::move(help), prom::MetricType::Histogram);
  }

  /// Adds a value to the last family.
  template<class Number>
  void value(Number number, labels of = {}) {
    auto& added = add(std::move(of));
    added.gauge.value = added.counter.value = static_cast<double>(number);
  }
  void value(const histogram& h, labels of = {}) {
    auto& shown = add(std::move(of)).histogram;
    shown.sample_sum = h.sum();
    const auto bounds = h.bounds();
    for (std::size_t i = 0; i < h.counts().size(); ++i) {
      shown.sample_count += h.counts()[i];
      shown.bucket.push_back(
          {shown.sample_count, i < bounds.size() ? bounds[i] : std::numeric_limits<double>::infinity()});
    }
  }
  void values(const http::traffic::by_class& all, const labels& of) {
    for (std::size_t i = 0; i < all.size(); ++i)
      if (all.at(i)) {
        auto more = of;
        more.push_back({"status", fmt::format("{}xx", i + 1)});
        value(*all.at(i), std::move(more));
      }
  }

  [[nodiscard]] std::string text() const { return prom::TextSerializer{}.Serialize(families_); }

private:
  void begin(std::string name, std::string help, prom::MetricType type) {
    families_.push_back({std::move(name), std::move(help), type, {}});
  }
  prom::ClientMetric& add(labels of) {
    auto& added = families_.back().metric.emplace_back();
    added.label = std::move(of);
    return added;
  }
  std::vector<prom::MetricFamily> families_;
};

/// Facts from the kernel.
struct machine {
  std::optional<process_usage> process;
  std::array<std::pair<std::string, std::uintmax_t>, 2> free; ///< bytes, by directory
};

void add_process(collection& to, const process_usage& p) {
  to.counter("process_cpu_seconds_total", "CPU time of kilnd, user and system.");
  to.value(p.cpu_seconds);
  to.gauge("process_resident_memory_bytes", "Memory of kilnd that is in RAM.");
  to.value(p.resident);
  to.gauge("process_virtual_memory_bytes", "Address space of kilnd.");
  to.value(p.virtual_size);
  to.gauge("process_start_time_seconds", "When kilnd was started, in seconds since 1970.");
  to.value(p.started);
  to.gauge("process_open_fds", "File descriptors of kilnd that are open.");
  to.value(p.open_descriptors);
  to.gauge("process_max_fds", "File descriptors that kilnd may have open.");
  to.value(p.max_descriptors);
}

void add_http(collection& to, http::service& of, const http::server& server) {
  const auto& counted = of.counted();
  to.distribution(
      "kiln_http_request_duration_seconds",
      "From the request that is here until its answer is ready; without those that wait for a change.");
  for (std::size_t i = 0; i < of.routes().size(); ++i)
    to.values(counted.routes()[i], {{"method", of.routes()[i].method}, {"route", of.routes()[i].pattern}});
  to.values(counted.unknown(), {{"method", ""}, {"route", ""}});
  to.counter(
      "kiln_http_refused_total",
      "Requests that were refused before any handler saw them, and connections that there was no room for.");
  for (const auto& [status, count] : counted.refused())
    to.value(count, {{"status", std::to_string(status)}});
  to.gauge("kiln_http_connections", "Connections that are open; waiting: for a change, or for events.");
  to.value(server.connections().served, {{"state", "served"}});
  to.value(server.connections().waiting, {{"state", "waiting"}});
  to.distribution("kiln_retry_after_seconds", "What Retry-After told clients.");
  to.values(counted.waits(), {});
}

} // namespace

metrics::metrics(metric_sources from) : from_(std::move(from)), frame_seconds_(frame_bounds) {}

void metrics::add_routes(http::service& to) {
  to.on("GET", "/metrics", access::role::read, [this](const http::request&) { return show(); });
}

void metrics::on_change(const scheduler::job& changed) {
  using enum store::frame_record::state;
  for (const auto& [frame, outputs] : changed.news) {
    if (frame.now == done) {
      frame_seconds_.add(frame.seconds);
      published_bytes_ += static_cast<std::uint64_t>(frame.bytes);
    } else {
      ++failed_tries_;
    }
  }
  if (!domain::is_final(changed.state)) {
    live_.insert_or_assign(changed.id, changed.state);
    return;
  }
  live_.erase(changed.id);
  ++ended_[changed.state];
  if (changed.failure)
    ++failures_[changed.failure->kind];
}

aio::task<http::answer> metrics::show() {
  const auto look = [output = from_.output, state = from_.state] {
    return machine{.process = read_process_usage(),
                   .free = {{{"output", aio::free_bytes(output, 0)}, {"state", aio::free_bytes(state, 0)}}}};
  };
  const machine seen = co_await from_.pool.run(look);

  collection all;
  all.gauge("kiln_build_info", "Versions of kilnd and of its Blender; always 1.");
  all.value(1, {{"version", from_.version}, {"blender", from_.blender()}});
  all.gauge("kiln_jobs", "Jobs that have not ended.");
  std::map<job_state, std::uint64_t> live{
      {job_state::queued, 0}, {job_state::running, 0}, {job_state::paused, 0}};
  for (const auto& [id, state] : live_)
    ++live[state];
  for (const auto& [state, count] : live)
    all.value(count, {{"state", std::string{domain::to_string(state)}}});
  all.counter("kiln_jobs_ended_total", "Jobs that have ended since kilnd was started.");
  for (const auto state : {job_state::succeeded, job_state::failed, job_state::canceled})
    all.value(ended_[state], {{"state", std::string{domain::to_string(state)}}});
  all.counter("kiln_job_failures_total", "Jobs that have failed, by the kind of their failure.");
  for (const auto& [kind, count] : failures_)
    all.value(count, {{"kind", std::string{domain::to_string(kind)}}});
  all.gauge("kiln_slots", "Blender processes that may run at once.");
  all.value(from_.slots);
  all.gauge("kiln_blocked", "1 while something, such as a full disk, keeps kilnd from starting renders.");
  all.value(from_.jobs.blocked().empty() ? 0 : 1);

  std::uint64_t published = 0;
  for (const auto count : frame_seconds_.counts())
    published += count;
  all.counter("kiln_frames_published_total", "Frames that were verified and published.");
  all.value(published);
  all.counter("kiln_frames_published_bytes_total", "Bytes of these frames.");
  all.value(published_bytes_);
  all.counter("kiln_frame_tries_failed_total", "Tries of frames that failed.");
  all.value(failed_tries_);
  all.distribution("kiln_frame_seconds", "What published frames took to render.");
  all.value(frame_seconds_);
  all.distribution("kiln_poll_staleness_seconds",
                   "From the end of a job until the first poll that was told of it.");
  all.value(from_.ends.delays());

  add_http(all, from_.service, from_.server);
  all.distribution("kiln_spawn_seconds", "For which starting a Blender holds kilnd.");
  all.value(from_.spawns);
  all.distribution("kiln_exit_seconds",
                   "From the end of an attempt until its log and its last frames are dealt with.");
  all.value(from_.exits);
  all.distribution("kiln_store_commit_seconds", "What the store took to commit.");
  all.value(from_.commits);
  all.gauge("kiln_disk_free_bytes", "Room where frames (output) and jobs and logs (state) are kept.");
  for (const auto& [directory, bytes] : seen.free)
    all.value(bytes, {{"directory", directory}});
  all.gauge("kiln_disk_reserve_bytes", "Nothing is started while less than this is free for frames.");
  all.value(from_.disk_reserve);
  if (seen.process)
    add_process(all, *seen.process);

  co_return http::response{
      .status = 200, .content_type = "text/plain; version=0.0.4; charset=utf-8", .body = all.text()};
}

} // namespace kiln::api

// SPDX-License-Identifier: Apache-2.0
#include "executor/local_executor.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace kiln::executor {

local_executor::local_executor(aio::executor_type loop, local_settings settings, aio::blocking_pool& pool,
                               image::image_check& images)
    : loop_(loop), settings_(std::move(settings)), pool_(pool), images_(images), changed_(loop),
      // Attempts report their own failures; what is thrown past that is a broken invariant.
      attempts_(loop, [](const std::exception_ptr& thrown) { std::rethrow_exception(thrown); }) {}

aio::task<std::optional<pid_t>> local_executor::start(attempt_request request, attempt_observer& observer) {
  auto attempt =
      std::make_shared<local_attempt>(loop_, settings_, pool_, images_, std::move(request), observer);
  running_.emplace(attempt->id(), attempt);
  attempts_.spawn(live(attempt, observer));
  while (!attempt->pid() && running_.contains(attempt->id()))
    co_await changed_.wait();
  co_return attempt->pid();
}

aio::task<> local_executor::live(std::shared_ptr<local_attempt> attempt, attempt_observer& observer) {
  std::function<void()> on_started = [this] { changed_.notify_all(); };
  const auto facts = co_await attempt->run(std::move(on_started));
  running_.erase(attempt->id());
  observer.on_end(attempt->id(), facts);
  changed_.notify_all();
  co_await attempt->clean_up();
}

void local_executor::stop(const attempt_id& id, domain::stop_reason reason) {
  if (const auto found = running_.find(id); found != running_.end())
    found->second->stop(reason);
}

aio::task<> local_executor::join() {
  co_await attempts_.join();
}

std::vector<std::string> environment_for_blender(const std::vector<std::string>& own) {
  constexpr std::array kept_back{"KILN_",   "NOTIFY_SOCKET=", "LISTEN_", "WATCHDOG_",
                                 "TMPDIR=", "TEMP=",          "TMP="};
  std::vector<std::string> passed;
  std::ranges::copy_if(own, std::back_inserter(passed), [&](std::string_view variable) {
    return std::ranges::none_of(kept_back, [&](const char* prefix) { return variable.starts_with(prefix); });
  });
  return passed;
}

} // namespace kiln::executor

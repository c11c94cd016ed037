// SPDX-License-Identifier: Apache-2.0
//
// The inotify instance shared by all watches of a loop. Separate instances would be expensive: closing one
// with a watch blocks the loop for 8 to 16 ms in the kernel (it waits for readers of its lists); removing a
// watch takes 0.02 ms. Also, a user is limited to 128 instances (fs.inotify.max_user_instances).
#pragma once

#include "watch/inotify.hpp"

#include <boost/asio/execution_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>

#include <map>
#include <optional>

namespace kiln::watch {

class inotify_queue final : public aio::asio::execution_context::service {
public:
  using key_type = inotify_queue;
  static aio::asio::execution_context::id id;

  [[nodiscard]] static inotify_queue& of(aio::executor_type loop);

  explicit inotify_queue(aio::asio::execution_context& loop);

  [[nodiscard]] std::optional<error> add(inotify& watch, const std::filesystem::path& path,
                                         std::uint32_t mask);
  void remove(inotify& watch) noexcept;

  /// Dispatches all events so far.
  void drain();

private:
  struct watcher {
    inotify* watch;
    std::uint32_t mask;
  };

  void shutdown() noexcept override {}
  void listen();
  void tell(int number, std::uint32_t mask, const char* name);

  aio::asio::posix::basic_stream_descriptor<aio::executor_type> queue_;
  std::multimap<int, watcher> watchers_; ///< by watch descriptor: one per file, however often it is watched
  bool listening_ = false;
};

} // namespace kiln::watch

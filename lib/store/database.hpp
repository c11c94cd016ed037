// SPDX-License-Identifier: Apache-2.0
//
// One SQLite file (WAL) on a thread of its own, for all stores that keep something in it. Changes that come
// while one transaction is being written share the next: one fsync for all that wait. For lib/store only.
#pragma once

#include "aio/blocking_pool.hpp"
#include "aio/notification.hpp"
#include "base/histogram.hpp"
#include "store/connection.hpp"
#include "store/job_store.hpp"
#include "store/reserve.hpp"
#include "store/rows.hpp"

#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

namespace kiln::store {

class database {
public:
  using work = std::function<result<void>(connection&)>;

  /// Blocks. See connection::open() for the errors.
  [[nodiscard]] static result<std::shared_ptr<database>> open(aio::executor_type loop,
                                                              const std::filesystem::path& file);
  ~database();

  /// How much a change matters when the disk is full.
  enum class weight {
    plain,     ///< it is refused
    essential, ///< it may use the reserve: what ends or removes something
  };

  /// Runs `what` on the thread, in a transaction; what it changed is undone when it gives an error. It may
  /// run a second time, after the first one found no room.
  [[nodiscard]] aio::task<result<void>> write(work what, durability how, weight of = weight::plain);

  /// Seconds that commits took, the wait for the thread included.
  [[nodiscard]] const histogram& commits() const noexcept { return commits_; }

  /// The result of `what`, which is a result<T> and changes nothing.
  template<class Read>
  [[nodiscard]] aio::task<std::invoke_result_t<Read&, connection&>> read(Read what) {
    using value_type = std::invoke_result_t<Read&, connection&>;
    const auto read_here = [this, what = std::move(what)]() mutable -> value_type {
      try {
        auto found = what(*connection_);
        connection_->end_reads();
        return found;
      } catch (const SQLite::Exception& e) {
        return store_error(e, file_);
      } catch (const unreadable_row& e) {
        return unreadable(e);
      }
    };
    co_return co_await thread_.run(read_here);
  }

private:
  /// A change that waits to be written, or has been.
  struct ticket {
    work what;
    durability how = durability::durable;
    weight of = weight::plain;
    bool done = false;
    result<void> outcome = error{errc::internal, "state: the change was not written"};
  };
  using batch = std::vector<std::shared_ptr<ticket>>;

  database(aio::executor_type loop, std::filesystem::path file, std::unique_ptr<connection> opened);
  [[nodiscard]] error unreadable(const unreadable_row& why) const;
  [[nodiscard]] aio::task<> write_waiting();
  void commit_with_room(const batch& together);
  /// False when the disk had no room.
  static bool commit(connection& to, const std::filesystem::path& file, const batch& together);

  std::filesystem::path file_;
  std::unique_ptr<connection> connection_; ///< used on the thread only, as is the reserve
  reserve reserve_;
  aio::blocking_pool thread_{1};
  batch waiting_;
  bool writing_ = false;
  aio::notification written_;
  histogram commits_;
};

} // namespace kiln::store

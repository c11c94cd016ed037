// SPDX-License-Identifier: Apache-2.0
//
// One SQLite file (WAL) with its own thread, shared by all stores. Changes that arrive during a transaction
// share the next one, with a single fsync. Internal to lib/store.
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

  /// The importance of a change when the disk is full.
  enum class weight {
    plain,     ///< refused
    essential, ///< may use the reserve: ends or removes something
  };

  /// Runs `what` on the thread in a transaction, which is rolled back if `what` returns an error. It may run
  /// a second time if the disk was full at first.
  [[nodiscard]] aio::task<result<void>> write(work what, durability how, weight of = weight::plain);

  /// Seconds of commits, including the wait for the thread.
  [[nodiscard]] const histogram& commits() const noexcept { return commits_; }

  /// Returns the result<T> of `what`, which must not change the database.
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
  /// A change that waits to be written or has been written.
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
  /// Returns false if the disk was full.
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

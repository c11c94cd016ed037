// SPDX-License-Identifier: Apache-2.0
//
// Jobs in one SQLite file (WAL), on a thread of its own. Changes that come while one transaction is being
// written share the next: one fsync for all that wait.
#pragma once

#include "aio/blocking_pool.hpp"
#include "aio/notification.hpp"
#include "store/job_store.hpp"

#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

namespace kiln::store {

class connection;

class sqlite_job_store final : public job_store {
public:
  static constexpr std::size_t kept_histories = 1000; ///< the least used are forgotten

  /// Blocks. See connection::open() for the errors.
  [[nodiscard]] static result<std::unique_ptr<sqlite_job_store>> open(aio::executor_type loop,
                                                                      const std::filesystem::path& file);
  ~sqlite_job_store() override;

  [[nodiscard]] aio::task<result<void>> add(job_record job) override;
  [[nodiscard]] aio::task<result<void>> save(change what, durability how) override;
  [[nodiscard]] aio::task<result<void>> remove(job_id id) override;
  [[nodiscard]] aio::task<result<std::optional<job_record>>> find(job_id id) override;
  [[nodiscard]] aio::task<result<std::optional<job_record>>> find_by_pid(pid_t pid) override;
  [[nodiscard]] aio::task<result<std::vector<job_record>>> list(job_filter filter) override;
  [[nodiscard]] aio::task<result<std::vector<frame_record>>> frames(job_id id, int after,
                                                                    std::size_t limit) override;
  [[nodiscard]] aio::task<result<std::vector<live_job>>> load_live() override;
  [[nodiscard]] aio::task<result<std::optional<job_id>>> newest() override;
  [[nodiscard]] aio::task<result<frame_times>> history(std::string key) override;

private:
  using work = std::function<result<void>(connection&)>;

  /// A change that waits to be written, or has been.
  struct ticket {
    work what;
    durability how = durability::durable;
    bool done = false;
    result<void> outcome;
  };
  using batch = std::vector<std::shared_ptr<ticket>>;

  sqlite_job_store(aio::executor_type loop, std::filesystem::path file, std::unique_ptr<connection> opened);
  [[nodiscard]] aio::task<result<void>> write(work what, durability how);
  [[nodiscard]] aio::task<> write_waiting();
  static void commit(connection& to, const std::filesystem::path& file, const batch& together);
  template<class Read>
  [[nodiscard]] aio::task<std::invoke_result_t<Read&, connection&>> read(Read what);

  std::filesystem::path file_;
  std::unique_ptr<connection> connection_; ///< used on the thread only
  aio::blocking_pool thread_{1};
  batch waiting_;
  bool writing_ = false;
  aio::notification written_;
};

} // namespace kiln::store

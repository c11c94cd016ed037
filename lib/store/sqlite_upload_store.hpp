// SPDX-License-Identifier: Apache-2.0
//
// Uploads in the SQLite file of the state directory. Errors as in job_store.hpp.
#pragma once

#include "aio/task.hpp"
#include "base/error.hpp"
#include "store/upload_record.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kiln::store {

class database;

class sqlite_upload_store {
public:
  explicit sqlite_upload_store(std::shared_ptr<database> shared) : database_(std::move(shared)) {}

  /// Durable. One that is there already is used now, and stays as it is otherwise: false then.
  [[nodiscard]] aio::task<result<bool>> add(upload_record upload);
  /// Its time of use; never earlier than it was.
  [[nodiscard]] aio::task<result<void>> touch(std::string digest, time_point used);
  /// Durable. not_found when there was none.
  [[nodiscard]] aio::task<result<void>> remove(std::string digest);

  [[nodiscard]] aio::task<result<std::optional<upload_record>>> find(std::string digest);
  /// The newest first, from below this number on.
  [[nodiscard]] aio::task<result<std::vector<upload_record>>> list(std::optional<std::int64_t> before,
                                                                   std::size_t limit);
  /// The one that was touched the longest time ago. Its `used` may be later than that: a job of it has ended
  /// since.
  [[nodiscard]] aio::task<result<std::optional<upload_record>>> oldest();
  [[nodiscard]] aio::task<result<std::uintmax_t>> all_bytes();
  [[nodiscard]] aio::task<result<std::vector<std::string>>> digests();

private:
  std::shared_ptr<database> database_;
};

} // namespace kiln::store

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

  struct addition {
    bool is_new = false;           ///< the content was not there
    bool is_new_to_sender = false; ///< this sender had not sent it
  };
  /// Durable. If the upload exists, only its time of use is updated. `sender`: the name of a token; empty
  /// without tokens.
  [[nodiscard]] aio::task<result<addition>> add(upload_record upload, std::string sender);
  /// Updates its time of use; never to an earlier one.
  [[nodiscard]] aio::task<result<void>> touch(std::string digest, time_point used);
  /// Durable. not_found if there is none.
  [[nodiscard]] aio::task<result<void>> remove(std::string digest);

  /// Whose uploads are found: those that one token has sent, with the name and time of that; nullopt: all.
  using sender_filter = std::optional<std::string>;
  [[nodiscard]] aio::task<result<std::optional<upload_record>>> find(std::string digest, sender_filter of);
  /// Uploads with numbers below `before`, newest first.
  [[nodiscard]] aio::task<result<std::vector<upload_record>>> list(std::optional<std::int64_t> before,
                                                                   std::size_t limit, sender_filter of);
  /// The least recently touched upload. Its `used` may be later than that if a job of it has ended since.
  [[nodiscard]] aio::task<result<std::optional<upload_record>>> oldest();
  [[nodiscard]] aio::task<result<std::uintmax_t>> all_bytes();
  [[nodiscard]] aio::task<result<std::vector<std::string>>> digests();

private:
  std::shared_ptr<database> database_;
};

} // namespace kiln::store

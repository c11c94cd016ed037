// SPDX-License-Identifier: Apache-2.0
//
// The ledger's part of a job: records that the store does not have yet, and the state of the job's writes.
#pragma once

#include "base/error.hpp"
#include "store/job_record.hpp"
#include "store/job_store.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace kiln::scheduler {

struct ledger_page {
  /// Set once the write that a commit waits for has ended.
  using receipt = std::shared_ptr<std::optional<result<void>>>;

  std::vector<store::frame_record> frames;     ///< oldest first; the last record of a frame counts
  std::vector<store::attempt_record> attempts; ///< oldest first; the last record of an attempt counts
  std::optional<double> loading;               ///< seconds before the first frame, for the history
  bool has_new_words = false;                  ///< the job's name or tags

  std::vector<receipt> receipts; ///< receipts of commits waiting for the next write
  store::durability durability = store::durability::relaxed; ///< of the next write
  std::uint64_t last_written = 0;                            ///< the last revision passed to the store
  bool is_changed = false;                                   ///< the store does not have everything
  bool is_writing = false;                                   ///< a write is in flight
  bool has_failed = false;                                   ///< the latest write failed, and that is logged
  bool is_retry_due = false;                                 ///< a timer is running after a failed write
  bool is_closing = false; ///< the final state is being written: no other write begins
};

} // namespace kiln::scheduler

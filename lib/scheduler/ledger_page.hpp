// SPDX-License-Identifier: Apache-2.0
//
// The part of a job that belongs to the ledger: records that the store does not have yet, and the state of
// the job's write.
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
  /// Set once the write that a commit waits for is over.
  using receipt = std::shared_ptr<std::optional<result<void>>>;

  std::vector<store::frame_record> frames;     ///< oldest first; the last of a frame counts
  std::vector<store::attempt_record> attempts; ///< oldest first; the last of an attempt counts
  std::optional<double> loading;               ///< seconds before the first frame, for the history

  std::vector<receipt> receipts;                             ///< of commits that wait for the next write
  store::durability durability = store::durability::relaxed; ///< of the next write
  std::uint64_t last_written = 0; ///< the revision that was last given to the store
  bool is_changed = false;        ///< the store does not have everything
  bool is_writing = false;        ///< a write is in flight
  bool has_failed = false;        ///< the newest write did, and the log says so
  bool is_retry_due = false;      ///< a timer runs after a write that failed
  bool is_closing = false;        ///< the final state is being written: no other write begins
};

} // namespace kiln::scheduler

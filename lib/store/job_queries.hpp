// SPDX-License-Identifier: Apache-2.0
//
// The queries of clients that look for jobs and frames. Internal to lib/store; throws as rows.hpp does.
#pragma once

#include "store/connection.hpp"
#include "store/job_store.hpp"

#include <string>
#include <vector>

namespace kiln::store {

/// Writes what a search looks at, and the tags, for a job that is new or has got other words.
void write_words(connection& to, const job_record& job);

[[nodiscard]] std::vector<job_record> list_jobs(connection& from, const job_filter& f);

/// Of one owner, or of all if it is empty.
[[nodiscard]] job_counts count_jobs(connection& from, const std::string& owner);

[[nodiscard]] std::vector<statistics_row> sum_up_jobs(connection& from, const statistics_wish& wish);

[[nodiscard]] frame_states read_frame_states(connection& from, const job_id& job);

} // namespace kiln::store

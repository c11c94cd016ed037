// SPDX-License-Identifier: Apache-2.0
//
// Reserves a final job for one call: no other call may change it meanwhile.
#pragma once

#include "base/error.hpp"
#include "base/ids.hpp"

#include <unordered_set>
#include <utility>

namespace kiln::scheduler {

class reservation {
public:
  reservation(std::unordered_set<job_id>& reserved, job_id id)
      : reserved_(reserved), id_(std::move(id)), granted_(reserved.insert(id_).second) {}
  reservation(const reservation&) = delete;
  reservation& operator=(const reservation&) = delete;
  ~reservation() {
    if (granted_)
      reserved_.erase(id_);
  }
  [[nodiscard]] bool granted() const noexcept { return granted_; }

private:
  std::unordered_set<job_id>& reserved_;
  job_id id_;
  bool granted_;
};

[[nodiscard]] inline error is_reserved_error(const job_id& id) {
  return {errc::conflict, "job " + id.str() + " is being changed, removed or tried again"};
}

} // namespace kiln::scheduler

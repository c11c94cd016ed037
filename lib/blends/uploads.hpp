// SPDX-License-Identifier: Apache-2.0
//
// The uploaded .blend files: received within limits, stored under the SHA-256 of their content, found for the
// jobs that render them, and removed when unused. Lives on the loop.
#pragma once

#include "access/role.hpp"
#include "aio/blocking_pool.hpp"
#include "aio/notification.hpp"
#include "blends/blend_library.hpp"
#include "store/sqlite_upload_store.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace spdlog {
class logger;
}

namespace kiln::blends {

struct upload_rules {
  std::uintmax_t file_bytes = 16ULL << 30; ///< of one file
  std::uintmax_t all_bytes = 64ULL << 30;  ///< of all files together
  std::uintmax_t disk_reserve = 0;         ///< to keep free on the disk
  bool are_shared = false; ///< any token sees and renders each upload; otherwise its senders and admins
};

/// The digits of "sha256:" and 64 hexadecimal digits; nullopt for any other text.
[[nodiscard]] std::optional<std::string> parse_upload_id(std::string_view text);
[[nodiscard]] std::string format_upload_id(std::string_view digits);

class uploads;

/// A file being uploaded. Ends with uploads::finish() or uploads::give_up().
class arrival {
public:
  ~arrival();
  arrival(const arrival&) = delete;
  arrival& operator=(const arrival&) = delete;

private:
  friend class uploads;
  friend class resumable_uploads;
  explicit arrival(uploads& to) : uploads_(to) {}

  uploads& uploads_;
  std::unique_ptr<incoming_file> file_;
  std::string waiting_;         ///< bytes not written yet
  std::uintmax_t size_ = 0;     ///< so far, including those
  std::uintmax_t reserved_ = 0; ///< reserved of the total limit
};

class uploads {
public:
  /// The objects passed by reference must outlive it.
  uploads(aio::executor_type loop, std::filesystem::path directory, upload_rules rules,
          store::sqlite_upload_store& kept, aio::blocking_pool& pool, spdlog::logger& log);

  /// `kept` is called once a new upload is in the store.
  void announce(std::function<void()> kept) { on_new_ = std::move(kept); }

  /// Call once, before anything else: reconciles files and store after an earlier run.
  [[nodiscard]] aio::task<result<void>> recover();

  // A file comes. Errors: too_large, no_room (of the quota, or the disk), corrupt (not a .blend),
  // unavailable.

  /// `length`: in bytes, if known.
  [[nodiscard]] aio::task<result<std::unique_ptr<arrival>>> begin(std::optional<std::uint64_t> length);
  [[nodiscard]] aio::task<result<void>> add(arrival& to, std::string_view bytes);
  struct outcome {
    store::upload_record upload;
    bool is_new = false;
  };
  /// Durable on completion. `expected`: the digits that the client expects, if given; invalid_input if they
  /// differ. `name`: for people. `by`: the sender; what others have sent is new to it.
  [[nodiscard]] aio::task<result<outcome>> finish(std::unique_ptr<arrival> what, std::string name,
                                                  std::optional<std::string> expected,
                                                  access::principal_ptr by);
  [[nodiscard]] aio::task<> give_up(std::unique_ptr<arrival> what);

  /// For a job being created: the file stays at least as long as the lease is held.
  struct lease {
    std::filesystem::path file;
    std::shared_ptr<void> hold;
  };
  /// not_found if there is no such upload, or `by` may not see it.
  [[nodiscard]] aio::task<result<lease>> use(std::string digits, access::principal_ptr by);

  /// not_found as for use().
  [[nodiscard]] aio::task<result<store::upload_record>> find(std::string digits, access::principal_ptr by);
  /// What `by` may see of them. See sqlite_upload_store.
  [[nodiscard]] aio::task<result<std::vector<store::upload_record>>>
  list(std::optional<std::int64_t> before, std::size_t limit, access::principal_ptr by);
  /// conflict while a job that is not final needs it.
  [[nodiscard]] aio::task<result<void>> remove(std::string digits);

  /// Removes unneeded uploads last used before this time. Returns when the next one was last used; nullopt if
  /// there is none.
  [[nodiscard]] aio::task<result<std::optional<store::time_point>>> expire(store::time_point used_before);

private:
  friend class arrival;
  friend class resumable_uploads;
  class change_lock;

  [[nodiscard]] aio::task<> lock();
  [[nodiscard]] result<void> reserve(arrival& for_it, std::uintmax_t bytes);
  [[nodiscard]] aio::task<result<void>> check_disk(std::uintmax_t needed);
  [[nodiscard]] aio::task<result<void>> write_waiting(arrival& of);
  using sender_filter = store::sqlite_upload_store::sender_filter;
  /// Whose uploads a caller may see.
  [[nodiscard]] sender_filter visible_to(const access::principal& by) const;
  [[nodiscard]] aio::task<result<store::upload_record>> find_of(std::string digits, sender_filter of);
  [[nodiscard]] aio::task<result<outcome>> keep(arrival& what, std::string name, incoming_file::whole whole,
                                                access::principal_ptr by);
  [[nodiscard]] aio::task<result<void>> remove_unlocked(store::upload_record what);
  [[nodiscard]] bool is_leased(const std::string& digits) const;
  [[nodiscard]] error refuse(const error& why, std::string_view doing);

  blend_library library_;
  upload_rules rules_;
  store::sqlite_upload_store& store_;
  aio::blocking_pool& pool_;
  spdlog::logger& log_;
  std::function<void()> on_new_ = [] {};
  std::uintmax_t stored_ = 0;   ///< bytes
  std::uintmax_t arriving_ = 0; ///< reserved bytes
  std::map<std::string, std::weak_ptr<void>> leases_;
  bool is_changing_ = false; ///< files and rows change together, one change at a time
  aio::notification unlocked_;
};

} // namespace kiln::blends

// SPDX-License-Identifier: Apache-2.0
//
// Uploads that arrive in several requests, and go on after a lost connection or a crash of kilnd
// (draft-ietf-httpbis-resumable-upload). They count towards the limits of all uploads. Lives on the loop.
#pragma once

#include "blends/uploads.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace kiln::blends {

class resumable_uploads {
public:
  static constexpr std::chrono::hours max_age{24}; ///< since the last byte
  static constexpr std::size_t most_of_a_sender = 16;

  /// `all` must outlive it.
  explicit resumable_uploads(uploads& all) : uploads_(all) {}
  /// Those that are not finished stay on disk.
  ~resumable_uploads();
  resumable_uploads(const resumable_uploads&) = delete;
  resumable_uploads& operator=(const resumable_uploads&) = delete;

  /// Call once, after uploads::recover().
  [[nodiscard]] aio::task<result<void>> recover();

  struct description {
    std::string owner{}; ///< the sender's token
    std::string name{};  ///< for people
    std::optional<std::string> digest{};
    std::optional<std::uint64_t> length{};
    friend bool operator==(const description&, const description&) = default;
  };
  struct state {
    std::string id;
    std::uint64_t offset = 0;
    std::optional<std::uint64_t> length;
  };
  /// A new one, or that of the same sender, digest and length. Errors as of uploads::begin().
  [[nodiscard]] aio::task<result<state>> create(description what);
  /// not_found if there is none, or it is another sender's and `by` is no admin. conflict while a request
  /// still sends it: that one ends soon. The rest of what has come is on disk then.
  [[nodiscard]] aio::task<result<state>> find(std::string id, access::principal_ptr by);
  [[nodiscard]] aio::task<result<void>> remove(std::string id, access::principal_ptr by);

  /// For a request that appends; find() first, without waiting in between.
  class turn {
  public:
    ~turn();
    turn(const turn&) = delete;
    turn& operator=(const turn&) = delete;

  private:
    friend class resumable_uploads;
    turn(resumable_uploads& of, std::string id) : all_(of), id_(std::move(id)) {}
    resumable_uploads& all_;
    std::string id_;
  };
  [[nodiscard]] std::unique_ptr<turn> begin(const std::string& id);
  /// After any error but conflict the upload is gone. conflict: another request wants to go on.
  [[nodiscard]] aio::task<result<void>> add(turn& of, std::string_view bytes);
  /// As uploads::finish(). The upload is gone after it.
  [[nodiscard]] aio::task<result<uploads::outcome>> finish(turn& of, access::principal_ptr by);

private:
  struct entry {
    description about;
    std::string directory;             ///< of the file
    std::unique_ptr<arrival> coming{}; ///< its file is not open before it is needed after a restart
    bool is_busy = false;              ///< a request sends it, or it is changed
    bool is_wanted = false;            ///< by another request
    std::chrono::steady_clock::time_point used = std::chrono::steady_clock::now();
  };
  using entries = std::map<std::string, std::shared_ptr<entry>>;

  [[nodiscard]] aio::task<> drop(std::string id);
  [[nodiscard]] aio::task<> make_room(std::string owner);
  [[nodiscard]] std::shared_ptr<entry> see(const std::string& id, const access::principal& by) const;

  uploads& uploads_;
  entries entries_;
};

} // namespace kiln::blends

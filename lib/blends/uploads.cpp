// SPDX-License-Identifier: Apache-2.0
#include "blends/uploads.hpp"

#include "store/clock.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace kiln::blends {
namespace {

constexpr std::string_view id_prefix = "sha256:";
constexpr std::size_t piece_size = 1 << 20; ///< written at once

bool is_full(const error& e) {
  return e.code == boost::system::errc::no_space_on_device || e.code == boost::system::errc::file_too_large ||
         (e.code.category() == boost::system::system_category() && e.code.value() == EDQUOT);
}

store::upload_record record_of(incoming_file::whole whole, std::string name) {
  store::upload_record made;
  made.digest = std::move(whole.digits);
  made.name = std::move(name);
  made.bytes = whole.bytes;
  made.header = whole.facts.header;
  made.render = std::move(whole.facts.render);
  made.created = made.used = store::now();
  return made;
}

} // namespace

std::optional<std::string> parse_upload_id(std::string_view text) {
  if (!text.starts_with(id_prefix) || !is_sha256(text.substr(id_prefix.size())))
    return std::nullopt;
  return std::string{text.substr(id_prefix.size())};
}

std::string format_upload_id(std::string_view digits) {
  return fmt::format("{}{}", id_prefix, digits);
}

arrival::~arrival() {
  uploads_.arriving_ -= reserved_;
}

/// Held during a change of files and rows; lock() first.
class uploads::change_lock {
public:
  explicit change_lock(uploads& of) : uploads_(of) {}
  change_lock(const change_lock&) = delete;
  change_lock& operator=(const change_lock&) = delete;
  ~change_lock() {
    uploads_.is_changing_ = false;
    uploads_.unlocked_.notify_all();
  }

private:
  uploads& uploads_;
};

aio::task<> uploads::lock() {
  while (is_changing_)
    co_await unlocked_.wait();
  is_changing_ = true;
}

uploads::uploads(aio::executor_type loop, std::filesystem::path directory, upload_rules rules,
                 store::sqlite_upload_store& kept, aio::blocking_pool& pool, spdlog::logger& log)
    : library_(std::move(directory)), rules_(rules), store_(kept), pool_(pool), log_(log), unlocked_(loop) {}

aio::task<result<void>> uploads::recover() {
  const auto open_here = [this] { return library_.open(); };
  auto files = co_await pool_.run(open_here);
  if (!files)
    co_return files.error();
  std::error_code ec;
  if (auto real = std::filesystem::canonical(library_.directory(), ec); !ec)
    library_ = blend_library{std::move(real)}; // links on the way to it are set by the operator
  auto rows = co_await store_.digests();
  if (!rows)
    co_return rows.error();
  std::ranges::sort(*files);
  std::ranges::sort(*rows);
  std::vector<std::string> gone, unknown;
  std::ranges::set_difference(*rows, *files, std::back_inserter(gone));
  std::ranges::set_difference(*files, *rows, std::back_inserter(unknown));
  for (const auto& digits : gone) {
    log_.warn("an upload is gone: its file was removed by somebody else upload=sha256:{}", digits);
    if (const auto removed = co_await store_.remove(digits); !removed)
      co_return removed.error();
  }
  for (const auto& digits : unknown) { // kilnd was killed before adding the row, or the store is older
    const auto look_here = [this, digits] { return library_.look_at(digits); };
    auto whole = co_await pool_.run(look_here);
    if (!whole) {
      log_.warn("a file among the uploads is left alone: {}", whole.error().message);
      continue;
    }
    auto record = record_of(std::move(*whole), {});
    const std::string no_sender; // is known of it
    if (const auto added = co_await store_.add(std::move(record), no_sender); !added)
      co_return added.error();
  }
  const auto bytes = co_await store_.all_bytes();
  if (!bytes)
    co_return bytes.error();
  stored_ = *bytes;
  co_return result<void>{};
}

/// The error for the client; the log has details if the client is not at fault.
error uploads::refuse(const error& why, std::string_view doing) {
  if (why.code.category() == kiln_category())
    return why;
  log_.error("an upload could not be {} reason={}", doing, why.message);
  if (is_full(why))
    return {errc::no_room, "the disk of the state directory is full"};
  return {errc::unavailable, fmt::format("the upload could not be {}; the log of kilnd says why", doing)};
}

result<void> uploads::reserve(arrival& for_it, std::uintmax_t bytes) {
  if (bytes <= for_it.reserved_)
    return {};
  const auto more = bytes - for_it.reserved_;
  const auto taken = stored_ + arriving_;
  if (taken > rules_.all_bytes || more > rules_.all_bytes - taken)
    return error{errc::no_room,
                 fmt::format("uploads may take {} bytes in all (uploads_quota), {} of which are taken: "
                             "delete some that are not needed, or raise it",
                             rules_.all_bytes, taken)};
  for_it.reserved_ += more;
  arriving_ += more;
  return {};
}

aio::task<result<void>> uploads::check_disk(std::uintmax_t needed) {
  const auto ask_here = [this] { return library_.free_bytes(); };
  const auto free = co_await pool_.run(ask_here);
  if (free < rules_.disk_reserve || free - rules_.disk_reserve < needed)
    co_return error{
        errc::no_room,
        "the disk of the state directory has too little room for this, besides the reserve (disk_reserve)"};
  co_return result<void>{};
}

aio::task<result<std::unique_ptr<arrival>>> uploads::begin(std::optional<std::uint64_t> length) {
  const auto most = rules_.file_bytes;
  if (length.value_or(0) > most)
    co_return error{errc::too_large,
                    fmt::format("an upload must not have more than {} bytes (max_upload_bytes)", most)};
  std::unique_ptr<arrival> made{new arrival{*this}};
  if (const auto reserved = reserve(*made, length.value_or(0)); !reserved)
    co_return reserved.error();
  if (const auto room = co_await check_disk(length.value_or(0)); !room)
    co_return room.error();
  const auto make_here = [this] { return incoming_file::make(library_.directory()); };
  auto file = co_await pool_.run(make_here);
  if (!file)
    co_return refuse(file.error(), "begun");
  made->file_ = std::move(*file);
  made->waiting_.reserve(piece_size);
  co_return made;
}

aio::task<result<void>> uploads::add(arrival& to, std::string_view bytes) {
  const auto most = rules_.file_bytes;
  if (bytes.size() > most - to.size_)
    co_return error{errc::too_large,
                    fmt::format("an upload must not have more than {} bytes (max_upload_bytes)", most)};
  to.size_ += bytes.size();
  if (auto reserved = reserve(to, to.size_); !reserved)
    co_return reserved;
  to.waiting_ += bytes;
  if (to.waiting_.size() < piece_size)
    co_return result<void>{};
  co_return co_await write_waiting(to);
}

aio::task<result<void>> uploads::write_waiting(arrival& of) {
  struct written {
    result<void> outcome;
    std::uintmax_t free = 0;
  };
  const auto write_here = [this, &of] {
    written w{of.file_->write(of.waiting_), library_.free_bytes()};
    of.waiting_.clear();
    return w;
  };
  const auto done = co_await pool_.run(write_here);
  if (!done.outcome)
    co_return refuse(done.outcome.error(), "written");
  if (done.free < rules_.disk_reserve)
    co_return error{errc::no_room,
                    "the disk of the state directory has less free than the reserve (disk_reserve)"};
  co_return result<void>{};
}

aio::task<result<uploads::outcome>> uploads::finish(std::unique_ptr<arrival> what, std::string name,
                                                    std::optional<std::string> expected,
                                                    access::principal_ptr by) {
  std::optional<result<outcome>> done;
  if (const auto written = co_await write_waiting(*what); !written) {
    done = written.error();
  } else {
    const auto finish_here = [file = what->file_.get()] { return file->finish(); };
    auto whole = co_await pool_.run(finish_here);
    if (!whole)
      done = refuse(whole.error(), "written");
    else if (expected && *expected != whole->digits)
      done = error{errc::invalid_input,
                   fmt::format("what came is not what was sent: its SHA-256 is {}, not {} as the "
                               "digest field says",
                               whole->digits, *expected)};
    else
      done = co_await keep(*what, std::move(name), std::move(*whole), std::move(by));
  }
  co_await give_up(std::move(what));
  co_return std::move(*done);
}

aio::task<result<uploads::outcome>> uploads::keep(arrival& what, std::string name, incoming_file::whole whole,
                                                  access::principal_ptr by) {
  co_await lock();
  const change_lock held{*this};
  const auto keep_here = [file = what.file_.get(), digits = whole.digits] { return file->keep(digits); };
  if (const auto kept = co_await pool_.run(keep_here); !kept)
    co_return refuse(kept.error(), "kept");
  const auto digits = whole.digits;
  auto record = record_of(std::move(whole), std::move(name));
  auto sender = by->name;
  const auto added = co_await store_.add(std::move(record), std::move(sender));
  if (!added) {
    log_.error("an upload could not be kept reason={}", added.error().message);
    co_return error{errc::unavailable, "the upload cannot be kept now; the log of kilnd says why"};
  }
  auto seen = visible_to(*by);
  const bool is_new = seen ? added->is_new_to_sender : added->is_new;
  auto found = co_await find_of(digits, std::move(seen));
  if (!found)
    co_return found.error();
  if (added->is_new) {
    stored_ += found->bytes;
    log_.info("upload kept upload=sha256:{} bytes={}", digits, found->bytes);
    on_new_();
  }
  co_return outcome{std::move(*found), is_new};
}

aio::task<> uploads::give_up(std::unique_ptr<arrival> what) {
  const auto remove_here = [&file = what->file_] {
    file.reset(); // removing a large file takes time
    return true;
  };
  (void)co_await pool_.run(remove_here);
}

aio::task<result<uploads::lease>> uploads::use(std::string digits, access::principal_ptr by) {
  co_await lock();
  const change_lock held{*this};
  const auto found = co_await find(digits, std::move(by));
  if (!found)
    co_return found.error();
  if (const auto touched = co_await store_.touch(digits, store::now()); !touched)
    log_.warn("the use of an upload could not be noted reason={}", touched.error().message);
  std::erase_if(leases_, [](const auto& each) { return each.second.expired(); });
  auto& known = leases_[digits];
  std::shared_ptr<void> hold = known.lock();
  if (!hold)
    known = hold = std::make_shared<int>();
  co_return lease{library_.path_of(digits), std::move(hold)};
}

bool uploads::is_leased(const std::string& digits) const {
  const auto found = leases_.find(digits);
  return found != leases_.end() && !found->second.expired();
}

uploads::sender_filter uploads::visible_to(const access::principal& by) const {
  const bool sees_all = rules_.are_shared || by.name.empty() || by.rank == access::role::admin;
  return sees_all ? std::nullopt : sender_filter{by.name};
}

aio::task<result<store::upload_record>> uploads::find(std::string digits, access::principal_ptr by) {
  return find_of(std::move(digits), visible_to(*by));
}

aio::task<result<store::upload_record>> uploads::find_of(std::string digits, sender_filter of) {
  auto found = co_await store_.find(digits, std::move(of));
  if (!found)
    co_return found.error();
  if (!*found)
    co_return error{errc::not_found, fmt::format("there is no upload sha256:{}: send it first", digits)};
  co_return std::move(**found);
}

aio::task<result<std::vector<store::upload_record>>>
uploads::list(std::optional<std::int64_t> before, std::size_t limit, access::principal_ptr by) {
  return store_.list(before, limit, visible_to(*by));
}

aio::task<result<void>> uploads::remove(std::string digits) {
  co_await lock();
  const change_lock held{*this};
  const sender_filter all;
  auto found = co_await find_of(std::move(digits), all);
  if (!found)
    co_return found.error();
  if (found->is_needed || is_leased(found->digest))
    co_return error{
        errc::conflict,
        fmt::format("a job that has not ended needs sha256:{}: cancel it first, or wait", found->digest)};
  auto record = std::move(*found);
  co_return co_await remove_unlocked(std::move(record));
}

aio::task<result<void>> uploads::remove_unlocked(store::upload_record what) {
  // The row first: a file without a row is recovered at the next start, while a row without a file would be
  // wrong.
  if (auto removed = co_await store_.remove(what.digest); !removed)
    co_return removed;
  stored_ -= std::min(stored_, what.bytes);
  const auto remove_here = [this, digits = what.digest] { return library_.remove(digits); };
  if (const auto removed = co_await pool_.run(remove_here); !removed)
    co_return refuse(removed.error(), "removed");
  log_.info("upload removed upload=sha256:{} bytes={}", what.digest, what.bytes);
  co_return result<void>{};
}

aio::task<result<std::optional<store::time_point>>> uploads::expire(store::time_point used_before) {
  std::string touched;
  for (;;) {
    co_await lock();
    const change_lock held{*this};
    auto oldest = co_await store_.oldest();
    if (!oldest)
      co_return oldest.error();
    if (!*oldest)
      co_return std::optional<store::time_point>{};
    auto upload = std::move(**oldest);
    const bool is_needed = upload.is_needed || is_leased(upload.digest);
    if (!is_needed && upload.used < used_before) {
      if (const auto removed = co_await remove_unlocked(std::move(upload)); !removed)
        co_return removed.error();
      continue;
    }
    const auto used = is_needed ? store::now() : upload.used;
    if (touched == upload.digest)
      co_return std::optional{used};
    // With its last use in the store, another one may be the oldest.
    touched = upload.digest;
    if (const auto noted = co_await store_.touch(upload.digest, used); !noted)
      co_return noted.error();
  }
}

} // namespace kiln::blends

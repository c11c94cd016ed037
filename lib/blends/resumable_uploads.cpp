// SPDX-License-Identifier: Apache-2.0
#include "blends/resumable_uploads.hpp"

#include "base/number.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace kiln::blends {
namespace {

constexpr std::string_view prefix = "incoming-";

std::string format_about(const resumable_uploads::description& from) {
  return fmt::format("{}\n{}\n{}\n{}\n", from.owner, from.name, from.digest.value_or(""),
                     from.length ? std::to_string(*from.length) : "");
}

std::optional<resumable_uploads::description> parse_about(std::string_view text) {
  std::array<std::string_view, 4> lines;
  for (auto& line : lines) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos)
      return std::nullopt;
    line = text.substr(0, end);
    text.remove_prefix(end + 1);
  }
  resumable_uploads::description out{.owner = std::string{lines[0]}, .name = std::string{lines[1]}};
  if (!lines[2].empty())
    out.digest = lines[2];
  out.length = parse_number<std::uint64_t>(lines[3]);
  return out;
}

error no_such_upload() {
  return {errc::not_found, "there is no such unfinished upload: begin it again"};
}

} // namespace

resumable_uploads::~resumable_uploads() {
  for (auto& [id, one] : entries_)
    if (one->coming && one->coming->file_)
      one->coming->file_->leave();
}

aio::task<result<void>> resumable_uploads::recover() {
  const auto list_here = [this] { return uploads_.library_.list_unfinished(); };
  auto found = co_await uploads_.pool_.run(list_here);
  if (!found)
    co_return found.error();
  for (auto& one : *found) {
    auto about = parse_about(one.about);
    if (!about) // kilnd was killed while it wrote it
      about.emplace();
    auto made = std::make_shared<entry>();
    made->about = std::move(*about);
    made->directory = one.name;
    made->coming.reset(new arrival{uploads_});
    made->coming->size_ = one.bytes;
    if (!uploads_.reserve(*made->coming, std::max<std::uintmax_t>(one.bytes, made->about.length.value_or(0))))
      uploads_.log_.warn("an unfinished upload is beyond the quota name={}", one.name);
    entries_.emplace(one.name.substr(prefix.size()), std::move(made));
  }
  co_return result<void>{};
}

std::shared_ptr<resumable_uploads::entry> resumable_uploads::see(const std::string& id,
                                                                 const access::principal& by) const {
  const auto found = entries_.find(id);
  const bool may_see = found != entries_.end() && (by.name.empty() || by.rank == access::role::admin ||
                                                   found->second->about.owner == by.name);
  return may_see ? found->second : nullptr;
}

aio::task<> resumable_uploads::drop(std::string id) {
  const auto found = entries_.find(id);
  if (found == entries_.end())
    co_return;
  const auto gone = std::move(found->second);
  entries_.erase(found);
  const auto remove_here = [this, gone] {
    if (gone->coming)
      gone->coming->file_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(uploads_.library_.directory() / gone->directory, ignored);
    return true;
  };
  (void)co_await uploads_.pool_.run(remove_here);
}

/// Removes those that nobody goes on with, and the sender's oldest beyond its share.
aio::task<> resumable_uploads::make_room(std::string owner) {
  const auto now = std::chrono::steady_clock::now();
  std::vector<std::pair<std::chrono::steady_clock::time_point, std::string>> mine;
  std::vector<std::string> old;
  for (const auto& [id, one] : entries_) {
    if (one->is_busy)
      continue;
    if (now - one->used > max_age)
      old.push_back(id);
    else if (one->about.owner == owner)
      mine.emplace_back(one->used, id);
  }
  std::ranges::sort(mine);
  for (std::size_t i = 0; i + most_of_a_sender <= mine.size(); ++i)
    old.push_back(mine[i].second);
  for (auto& id : old)
    co_await drop(id);
}

aio::task<result<resumable_uploads::state>> resumable_uploads::create(description what) {
  for (const auto& [id, one] : entries_)
    if (what.digest && one->about.owner == what.owner && one->about.digest == what.digest &&
        one->about.length == what.length)
      co_return state{id, one->coming ? one->coming->size_ : 0, one->about.length};
  auto owner = what.owner;
  co_await make_room(std::move(owner));
  const std::optional<std::uint64_t> length = what.length;
  auto begun = co_await uploads_.begin(length);
  if (!begun)
    co_return begun.error();
  auto made = std::make_shared<entry>();
  made->coming = std::move(*begun);
  made->about = std::move(what);
  made->directory = made->coming->file_->name();
  const auto describe_here = [made] { return made->coming->file_->describe(format_about(made->about)); };
  const auto described = co_await uploads_.pool_.run(describe_here);
  if (!described) {
    co_await uploads_.give_up(std::move(made->coming));
    co_return uploads_.refuse(described.error(), "begun");
  }
  state out{made->directory.substr(prefix.size()), 0, made->about.length};
  entries_.emplace(out.id, std::move(made));
  co_return out;
}

aio::task<result<resumable_uploads::state>> resumable_uploads::find(std::string id,
                                                                    access::principal_ptr by) {
  const auto found = see(id, *by);
  if (!found)
    co_return no_such_upload();
  if (found->is_busy) {
    found->is_wanted = true;
    co_return error{errc::conflict, "another request still sends this upload; it is ended"};
  }
  found->is_busy = true;
  result<void> ready;
  if (!found->coming->file_) {
    const auto open_here = [this, found] {
      return incoming_file::reopen(uploads_.library_.directory(), found->directory);
    };
    auto opened = co_await uploads_.pool_.run(open_here);
    if (opened) {
      found->coming->file_ = std::move(*opened);
      found->coming->size_ = found->coming->file_->size();
    } else {
      ready = uploads_.refuse(opened.error(), "opened again");
    }
  } else if (!found->coming->waiting_.empty()) {
    ready = co_await uploads_.write_waiting(*found->coming);
  }
  found->is_busy = false;
  if (!ready) {
    co_await drop(id);
    co_return ready.error();
  }
  co_return state{id, found->coming->size_, found->about.length};
}

aio::task<result<void>> resumable_uploads::remove(std::string id, access::principal_ptr by) {
  const auto found = see(id, *by);
  if (!found)
    co_return no_such_upload();
  if (found->is_busy) {
    found->is_wanted = true;
    co_return error{errc::conflict, "another request still sends this upload; it is ended"};
  }
  co_await drop(std::move(id));
  co_return result<void>{};
}

std::unique_ptr<resumable_uploads::turn> resumable_uploads::begin(const std::string& id) {
  auto& one = *entries_.at(id);
  one.is_busy = true;
  one.is_wanted = false;
  return std::unique_ptr<turn>{new turn{*this, id}};
}

resumable_uploads::turn::~turn() {
  if (const auto found = all_.entries_.find(id_); found != all_.entries_.end()) {
    found->second->is_busy = false;
    found->second->used = std::chrono::steady_clock::now();
  }
}

aio::task<result<void>> resumable_uploads::add(turn& of, std::string_view bytes) {
  const auto one = entries_.at(of.id_);
  if (one->is_wanted)
    co_return error{errc::conflict, "another request goes on with this upload"};
  result<void> added;
  if (one->about.length &&
      bytes.size() > *one->about.length - std::min(*one->about.length, one->coming->size_))
    added = error{errc::invalid_input, "more has come than Upload-Length says"};
  else
    added = co_await uploads_.add(*one->coming, bytes);
  if (!added)
    co_await drop(of.id_);
  co_return added;
}

aio::task<result<uploads::outcome>> resumable_uploads::finish(turn& of, access::principal_ptr by) {
  const auto found = entries_.find(of.id_);
  const auto one = std::move(found->second);
  entries_.erase(found);
  const auto size = one->coming->size_;
  if (one->about.length && size != *one->about.length) {
    co_await uploads_.give_up(std::move(one->coming));
    co_return error{errc::invalid_input,
                    fmt::format("{} bytes have come, and Upload-Length says {}", size, *one->about.length)};
  }
  auto name = one->about.name;
  auto digest = one->about.digest;
  co_return co_await uploads_.finish(std::move(one->coming), std::move(name), std::move(digest),
                                     std::move(by));
}

} // namespace kiln::blends

// SPDX-License-Identifier: Apache-2.0
#include "app/token_keeper.hpp"

#include "access/clock.hpp"
#include "access/token_file.hpp"

#include <boost/asio/redirect_error.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace kiln::app {
namespace {

constexpr std::chrono::hours longest_sleep{1}; // so that a change of the wall clock is noticed

} // namespace

token_keeper::token_keeper(aio::executor_type loop, std::filesystem::path file, access::gate& of,
                           aio::blocking_pool& pool, spdlog::logger& log, std::function<void()> changed)
    : loop_(loop), file_(std::move(file)), gate_(of), pool_(pool), log_(log), changed_(std::move(changed)),
      expiry_(loop) {}

result<void> token_keeper::read(bool must_be_there) {
  // The watch first, so that no change is missed in between.
  if (auto opened = watch::directory_watch::open(loop_, file_.parent_path()))
    watch_.emplace(std::move(*opened));
  else if (must_be_there || std::filesystem::exists(file_))
    log_.warn("changes of the tokens are seen at SIGHUP only reason={}", opened.error().message);
  const auto tokens = access::read_token_file(file_);
  if (!tokens && tokens.error().code == errc::not_found && !must_be_there)
    return {};
  if (!tokens)
    return tokens.error();
  use(*tokens);
  if (tokens->empty())
    log_.warn("there are no tokens in {}: nobody is let in until kilnd token add makes one", file_.native());
  else
    log_.info("tokens are needed: {} of them in {}", tokens->size(), file_.native());
  for (const auto& t : *tokens)
    if (access::has_expired(t.expires, access::today()))
      log_.warn("a token has expired, and is refused token={} expired={}", t.name,
                access::format_date(*t.expires));
  return {};
}

void token_keeper::use(std::vector<access::token> tokens) {
  gate_.use(tokens);
  tokens_ = std::move(tokens);
  expiry_.cancel();
}

aio::task<> token_keeper::reload() {
  const auto read_file = [file = file_] { return access::read_token_file(file); };
  const auto tokens = co_await pool_.run(read_file);
  if (!tokens && tokens.error().code == errc::not_found && !gate_.has_tokens())
    co_return; // neither before nor now are there tokens
  if (!tokens) {
    log_.error("the tokens stay as they were reason={}", tokens.error().message);
    co_return;
  }
  use(*tokens);
  log_.info("tokens read anew tokens={}", tokens->size());
  changed_();
}

aio::task<> token_keeper::watch() {
  while (watch_) {
    const auto closed = co_await watch_->next();
    if (!closed)
      co_return;
    if (closed->rescan || std::ranges::find(closed->names, file_.filename().native()) != closed->names.end())
      co_await reload();
  }
}

aio::task<> token_keeper::notice_expiry() {
  for (auto before = access::today(); !stopped_;) {
    const auto today = access::today();
    std::optional<access::date> next; // in seconds: a year in the far future overflows finer units
    bool is_over = false;
    for (const auto& t : tokens_) {
      if (access::has_expired(t.expires, today) && !access::has_expired(t.expires, before)) {
        log_.warn("a token has expired, and is refused from now on token={}", t.name);
        is_over = true;
      } else if (t.expires && !access::has_expired(t.expires, today)) {
        next = std::min(next.value_or(*t.expires), *t.expires);
      }
    }
    before = today;
    if (is_over)
      changed_();
    if (next)
      expiry_.expires_after(std::min<std::chrono::seconds>(*next - today, longest_sleep));
    else
      expiry_.expires_at(aio::timer::time_point::max());
    boost::system::error_code ignored;
    co_await expiry_.async_wait(aio::asio::redirect_error(aio::use_task, ignored));
  }
}

void token_keeper::stop() {
  stopped_ = true;
  expiry_.cancel();
  if (watch_)
    watch_->finish();
}

} // namespace kiln::app

// SPDX-License-Identifier: Apache-2.0
#include "app/token_keeper.hpp"

#include "access/token_file.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace kiln::app {

token_keeper::token_keeper(aio::executor_type loop, std::filesystem::path file, access::gate& of,
                           aio::blocking_pool& pool, spdlog::logger& log, std::function<void()> changed)
    : loop_(loop), file_(std::move(file)), gate_(of), pool_(pool), log_(log), changed_(std::move(changed)) {}

result<void> token_keeper::read(bool must_be_there) {
  // The watch first, so that no change falls between.
  if (auto opened = watch::directory_watch::open(loop_, file_.parent_path()))
    watch_.emplace(std::move(*opened));
  else if (must_be_there || std::filesystem::exists(file_))
    log_.warn("changes of the tokens are seen at SIGHUP only reason={}", opened.error().message);
  const auto tokens = access::read_token_file(file_);
  if (!tokens && tokens.error().code == errc::not_found && !must_be_there)
    return {};
  if (!tokens)
    return tokens.error();
  gate_.use(*tokens);
  if (tokens->empty())
    log_.warn("there are no tokens in {}: nobody is let in until kilnd token add makes one", file_.native());
  else
    log_.info("tokens are needed: {} of them in {}", tokens->size(), file_.native());
  return {};
}

aio::task<> token_keeper::reload() {
  const auto read_file = [file = file_] { return access::read_token_file(file); };
  const auto tokens = co_await pool_.run(read_file);
  if (!tokens && tokens.error().code == errc::not_found && !gate_.has_tokens())
    co_return; // there were none, and there are none
  if (!tokens) {
    log_.error("the tokens stay as they were reason={}", tokens.error().message);
    co_return;
  }
  gate_.use(*tokens);
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

void token_keeper::stop() {
  if (watch_)
    watch_->finish();
}

} // namespace kiln::app

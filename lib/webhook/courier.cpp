// SPDX-License-Identifier: Apache-2.0
#include "webhook/courier.hpp"

#include "aio/log_failures.hpp"
#include "store/clock.hpp"
#include "webhook/signature.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/json/parse.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace kiln::webhook {
namespace {

constexpr int gone = 410;
/// A clock change is noticed after at most this time.
constexpr std::chrono::minutes longest_wait{10};
constexpr const char* delivery = "a webhook's delivery";
constexpr auto until_woken = std::chrono::milliseconds::max();

/// " job=j… trace_id=…" of a letter's job, for log lines; empty for a letter without a job.
std::string job_words(const std::string& payload) {
  boost::system::error_code ec;
  const auto letter = boost::json::parse(payload, ec);
  const auto* job = ec ? nullptr : letter.find_pointer("/data/job", ec);
  std::string words;
  if (!job || !job->is_object())
    return words;
  for (const auto& [word, member] : {std::pair{" job=", "id"}, std::pair{" trace_id=", "trace_id"}})
    if (const auto* value = job->get_object().if_contains(member); value && value->is_string())
      words.append(word).append(value->get_string());
  return words;
}

} // namespace

courier::courier(aio::executor_type loop, store::webhook_store& kept, sender& by, courier_settings s,
                 spdlog::logger& log)
    : loop_(loop), store_(kept), sender_(by), settings_(std::move(s)), log_(log),
      random_(std::random_device{}()), again_(loop), grace_(loop),
      deliveries_(loop, aio::log_failures(log, delivery)), work_(loop, aio::log_failures(log, delivery)) {}

void courier::start() {
  work_.spawn(work());
}

void courier::wake() {
  changed_ = true;
  again_.cancel();
}

aio::task<> courier::work() {
  while (!stopping_) {
    changed_ = false;
    auto heads = co_await store_.next();
    if (!heads) {
      log_.error("what webhooks are to be told cannot be read reason={}", heads.error().message);
      co_await wait_for(settings_.after_trouble);
      continue;
    }
    if (!stopping_)
      co_await wait_for(begin_due(std::move(*heads)));
  }
}

/// Begins due deliveries as far as there is room; returns how long to wait for the rest.
std::chrono::milliseconds courier::begin_due(std::vector<store::delivery> heads) {
  auto next = until_woken;
  for (auto& head : heads) {
    if (busy_.contains(head.to))
      continue; // its end wakes this coroutine
    const auto left = head.due - store::now();
    if (left.count() > 0)
      next = std::min({next, left, std::chrono::milliseconds{longest_wait}});
    else if (busy_.size() < settings_.at_once) {
      busy_.insert(head.to);
      deliveries_.spawn(deliver(std::move(head)));
    }
  }
  return next;
}

aio::task<> courier::wait_for(std::chrono::milliseconds time) {
  if (changed_ || stopping_)
    co_return;
  if (time == until_woken)
    again_.expires_at(aio::timer::time_point::max());
  else
    again_.expires_after(time);
  boost::system::error_code ignored;
  co_await again_.async_wait(aio::asio::redirect_error(aio::use_task, ignored));
}

aio::task<sent> courier::tell(const store::delivery& what) {
  const auto key = key_of_secret(what.secret);
  if (!key)
    co_return sent{.error = "its secret " + key.error().message};
  const auto seconds = std::chrono::floor<std::chrono::seconds>(store::now()).time_since_epoch().count();
  letter sealed{.url = what.url, .fields = {}, .body = what.payload};
  sealed.fields = {{"webhook-id", what.id},
                   {"webhook-timestamp", std::to_string(seconds)},
                   {"webhook-signature", sign(*key, what.id, seconds, what.payload)}};
  co_return co_await sender_.send(std::move(sealed));
}

aio::task<> courier::deliver(store::delivery what) {
  const auto came = co_await tell(what);
  // A delivery aborted by stopping is no fault of the receiver.
  if (!stopping_ || came.status) {
    const auto outcome = judge(what, came);
    for (;;) {
      auto copy = outcome;
      const auto kept = co_await store_.settle(std::move(copy));
      if (kept)
        break;
      log_.error("a webhook's delivery could not be kept webhook={} reason={}", what.to.str(),
                 kept.error().message);
      if (stopping_)
        break; // it will be sent again
      aio::timer pause{loop_, settings_.after_trouble};
      co_await pause.async_wait(aio::use_task);
    }
  }
  busy_.erase(what.to);
  wake();
}

store::delivery_outcome courier::judge(const store::delivery& what, const sent& came) {
  store::delivery_outcome out{.id = what.id, .to = what.to, .report = {}};
  out.report = {.at = store::now(), .event = what.event, .status = came.status};
  const auto name = domain::to_string(what.event);
  if (came.error.empty()) {
    log_.debug("webhook told webhook={} event={} delivery={}{}", what.to.str(), name, what.id,
               job_words(what.payload));
    return out;
  }
  out.report.error = came.error;
  out.disable = came.status == gone;
  if (what.event != domain::webhook_event::ping && !out.disable) {
    const auto chance = std::uniform_real_distribution{}(random_);
    if (const auto pause = next_wait(settings_.waits, what.tries + 1, chance, came.retry_after))
      out.again = out.report.at + *pause;
  }
  const char* after = out.disable ? "the webhook is disabled" : out.again ? "it is tried again" : "given up";
  log_.warn("webhook not told, {} webhook={} event={} delivery={}{} tries={} reason={}", after, what.to.str(),
            name, what.id, job_words(what.payload), what.tries + 1, came.error);
  return out;
}

aio::task<> courier::abort_after(std::chrono::milliseconds grace) {
  boost::system::error_code ec;
  grace_.expires_after(grace);
  co_await grace_.async_wait(aio::asio::redirect_error(aio::use_task, ec));
  if (!ec)
    sender_.abort();
}

aio::task<> courier::stop(std::chrono::milliseconds grace) {
  stopping_ = true;
  wake();
  aio::task_group impatience{loop_, aio::log_failures(log_, delivery)};
  if (!deliveries_.empty())
    impatience.spawn(abort_after(grace));
  co_await work_.join();
  co_await deliveries_.join();
  grace_.cancel();
  co_await impatience.join();
}

} // namespace kiln::webhook

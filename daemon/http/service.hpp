// SPDX-License-Identifier: Apache-2.0
//
// What all sessions of a server share: the routes, the limits, and how an answer is completed.
#pragma once

#include "access/gate.hpp"
#include "aio/task.hpp"
#include "http/body_reader.hpp"
#include "http/connection.hpp"
#include "http/forwarded.hpp"
#include "http/framing.hpp"
#include "http/message.hpp"
#include "http/origins.hpp"
#include "http/places.hpp"
#include "http/public_url.hpp"
#include "http/router.hpp"
#include "http/session_cookie.hpp"
#include "http/traffic.hpp"

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace spdlog {
class logger;
}

namespace kiln::aio {
class blocking_pool;
}

namespace kiln::http {

struct limits {
  head_limits head;
  std::size_t body_bytes = 1024 * 1024;
  std::chrono::milliseconds header_time{10'000}; ///< for a whole head, from its first byte
  std::chrono::milliseconds body_time{20'000};   ///< then it must come at body_rate
  std::size_t body_rate = 500;                   ///< bytes a second
  std::chrono::milliseconds write_time{30'000};
  std::chrono::milliseconds idle_time{15'000};
  place_limits connections;
};

/// What a handler gives: an answer at once, or one that has to be waited for.
class reply {
public:
  template<class Answer>
  requires std::convertible_to<Answer, answer> reply(Answer&& now)
      : what_(std::in_place_type<answer>, std::forward<Answer>(now)) {}
  reply(aio::task<answer> later) : what_(std::move(later)) {}

  /// Null when it has to be waited for.
  [[nodiscard]] answer* now() noexcept { return std::get_if<answer>(&what_); }
  [[nodiscard]] aio::task<answer> later() { return std::get<aio::task<answer>>(std::move(what_)); }

private:
  std::variant<answer, aio::task<answer>> what_;
};

/// The request lives until the answer is there.
using handler = std::function<reply(const request&)>;

/// For bodies of any size: `asked` has none. What it leaves unread is thrown away, with the connection.
using stream_handler = std::function<aio::task<answer>(const request& asked, body_reader& body)>;

using any_handler = std::variant<handler, stream_handler>;

/// Told of each request that was to change something, and of what became of it.
using change_listener =
    std::function<void(const request& asked, const prebuilt& given, std::string_view request_id)>;

/// The body of an error that the server itself finds.
using error_page = std::function<response(int status, std::string_view detail, std::string_view path)>;

class service {
public:
  /// `hosts`: names that requests may be sent to, without ports. `doors` says who may ask for what; `pool`
  /// reads files that are sent. Both outlive it.
  service(limits l, std::vector<std::string> hosts, access::gate& doors, error_page page,
          aio::blocking_pool& pool, spdlog::logger& log);

  /// Pages of these may ask as well.
  void allow_origins(origins allowed) { origins_ = std::move(allowed); }

  /// Where clients find kilnd, whatever proxies say. Empty: where proxies say, or where it listens.
  void serve_as(public_url known) { public_url_ = std::move(known); }
  /// Of a request that a trusted proxy has sent. An origin whose host is not served here is left out.
  [[nodiscard]] public_url url_behind(const ip_address& proxy, std::span<const field> fields) const;
  [[nodiscard]] const public_url& url() const noexcept { return public_url_; }

  /// For connections and requests from now on: what these say of their clients is believed.
  void trust_proxies(trusted_proxies known) { proxies_ = std::move(known); }
  [[nodiscard]] const trusted_proxies& proxies() const noexcept { return proxies_; }

  void report_changes(change_listener to) { on_change_ = std::move(to); }
  void report(const request& asked, const prebuilt& given, std::string_view request_id) const;

  /// For the connections that come from now on; null: without TLS.
  void use_tls(tls_context with) { tls_ = std::move(with); }
  [[nodiscard]] const tls_context& tls() const noexcept { return tls_; }

  /// `needed`: what one must be to ask for it. There is no route without: what nobody thought of is not open.
  void on(std::string method, std::string pattern, access::role needed, handler answers);
  void on_stream(std::string method, std::string pattern, access::role needed, stream_handler answers);

  [[nodiscard]] const limits& bounds() const noexcept { return limits_; }
  [[nodiscard]] aio::blocking_pool& pool() const noexcept { return pool_; }
  [[nodiscard]] spdlog::logger& log() const noexcept { return log_; }

  struct choice {
    const any_handler* run = nullptr; ///< null: `refused` is the answer
    std::optional<answer> refused = {};
    std::string fields = {}; ///< further fields of the answer, with line ends
  };
  /// Who asks, whether they may, and what answers them. Needs the head of the request alone.
  [[nodiscard]] choice route(request& what);

  /// Cookies of sessions are named after this: a browser sends a host's cookies to all of its ports.
  void name_sessions(std::uint16_t port);
  [[nodiscard]] session_cookie cookie_of(const request& what) const;
  /// Authenticates `what` as if its Authorization had this token. The answer if it is refused.
  [[nodiscard]] std::optional<answer> admit_token(request& what, std::string_view token);

  /// Whether the client of an admitted request would still be admitted now.
  [[nodiscard]] bool still_admits(const request& what) const;

  [[nodiscard]] answer error_answer(int status, std::string_view detail, std::string_view path) const;

  /// 503 with Retry-After: all places are taken, or all that one client may have.
  [[nodiscard]] answer no_place(std::string_view path);

  /// Counts an answer; `by`: null when nothing is served there, or who asks was not let in.
  void count(const any_handler* by, int status, std::chrono::duration<double> took);
  [[nodiscard]] traffic& counted() noexcept { return traffic_; }

  struct served_route {
    std::string method;
    std::string pattern;
    access::role needed;
  };
  [[nodiscard]] const std::vector<served_route>& routes() const noexcept { return routes_; }

  [[nodiscard]] std::string request_id(const request& from);

  /// How an answer is written: it depends on what was asked, and how.
  struct framing {
    bool with_body = true; ///< not to HEAD
    bool close = false;
    bool chunks = true; ///< the client knows them (HTTP/1.1); else the end of the connection ends a stream
    std::string_view fields = {}; ///< further ones, with line ends
    std::string_view prefix = {}; ///< of the paths of links
  };

  /// Adds the answer to `out` in the bytes of HTTP, but for a large body.
  void write(std::string& out, const answer& what, std::string_view request_id, const framing& how);

private:
  void add(std::string method, std::string pattern, access::role needed, any_handler answers);
  [[nodiscard]] std::optional<answer> admit(request& what, access::question asked, std::string& fields);
  [[nodiscard]] std::optional<std::string_view> session_in(const request& what) const;
  [[nodiscard]] std::optional<answer> refusal(const access::decision& made, access::role needed,
                                              const request& what);
  [[nodiscard]] answer answer_without_handler(const request& what, const std::string& allow) const;
  [[nodiscard]] std::string limit_fields(const access::decision& made) const;
  [[nodiscard]] bool is_host(std::string_view host) const noexcept;
  [[nodiscard]] std::string_view date();

  limits limits_;
  tls_context tls_;
  std::vector<std::string> hosts_;
  access::gate& doors_;
  origins origins_;
  trusted_proxies proxies_;
  public_url public_url_;
  change_listener on_change_;
  error_page error_page_;
  aio::blocking_pool& pool_;
  spdlog::logger& log_;
  router router_;
  std::vector<any_handler> handlers_;
  std::vector<served_route> routes_; ///< of each handler
  traffic traffic_;
  std::minstd_rand random_;
  std::string cookie_name_ = "kiln";
  std::string id_prefix_;
  std::uint64_t next_id_ = 1;
  std::chrono::sys_seconds date_second_{};
  std::string date_;
};

} // namespace kiln::http

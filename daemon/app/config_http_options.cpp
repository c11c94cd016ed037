// SPDX-License-Identifier: Apache-2.0
#include "app/config_checks.hpp"
#include "app/config_options.hpp"
#include "http/forwarded.hpp"
#include "http/origins.hpp"
#include "http/public_url.hpp"
#include "webhook/target.hpp"

namespace kiln::app {

void add_network_options(CLI::App& app, config& c, words& w) {
  app.add_option("--listen", w.listen, "Address and port of the REST interface")
      ->check(checked_by(parse_listen_address, ""))
      ->type_name("ADDRESS:PORT")
      ->capture_default_str()
      ->group("Network");
  app.add_option("--allowed-hosts", c.allowed_hosts,
                 "Names that a request's Host may have, besides loopback and --listen")
      ->delimiter(',')
      ->type_name("NAME,…")
      ->group("Network");
  app.add_option("--allowed-origins", c.allowed_origins,
                 "Web pages that may use the interface (CORS): https://shop.example, or * with tokens [none]")
      ->check(checked_by(http::parse_origin, ""))
      ->delimiter(',')
      ->type_name("ORIGIN,…")
      ->group("Network");
  app.add_option("--public-url", c.public_url,
                 "Where clients find kilnd behind a proxy: https://farm.example/kiln [as proxies say]")
      ->check(checked_by(http::parse_public_url, ""))
      ->type_name("URL")
      ->group("Network");
  app.add_option("--trusted-proxies", c.trusted_proxies,
                 "Proxies whose X-Forwarded-For or Forwarded is believed: 10.0.0.2,fd00::/64 [none]")
      ->check(checked_by(http::parse_trusted_proxy, ""))
      ->delimiter(',')
      ->type_name("ADDRESS,…")
      ->group("Network");
  app.add_option("--tls-certificate", c.tls_certificate,
                 "Speak TLS with this certificate and those that lead to its authority (PEM)")
      ->type_name("FILE")
      ->group("Network");
  app.add_option("--tls-key", c.tls_key, "Its key (PEM, without a passphrase)")
      ->type_name("FILE")
      ->group("Network");
  app.add_option("--tokens-file", c.tokens_file,
                 "Who may do what; changed by kilnd token add, list, remove [STATE/tokens]")
      ->type_name("FILE")
      ->group("Network");
  app.add_flag("--allow-open-network", c.allow_open_network,
               "Listen on an address that other machines can reach, though there are no tokens")
      ->group("Network");

  app.add_option("--webhook-target", c.webhook_targets,
                 "Where webhooks may go: hooks.example.com, 10.0.0.0/8:8080 [nowhere]")
      ->check(checked_by(webhook::parse_target_rule, ""))
      ->delimiter(',')
      ->type_name("TARGET,…")
      ->group("Network");
  app.add_option("--webhook-ca-file", c.webhook_ca_file,
                 "Certificates (PEM) that webhooks trust besides those of the system")
      ->type_name("FILE")
      ->group("Network");
}

void add_limit_options(CLI::App& app, config& c) {
  const auto positive = CLI::Range(1, 1'000'000);
  const auto bytes = CLI::Range(std::size_t{256}, std::size_t{1} << 30);
  const auto seconds = between(0.05, 86'400);
  const auto rate = between(0.01, 1'000'000) | CLI::IsMember({"0"});

  const std::string limits = "Limits";
  app.add_option("--rate-limit", c.rate_limit,
                 "Requests a second of one token or address; 0: no limit [200; on loopback 0]")
      ->check(rate)
      ->type_name("N")
      ->group(limits);
  app.add_option("--rate-burst", c.rate_burst, "Requests that may come at once [5 seconds' worth]")
      ->check(between(1, 1'000'000))
      ->type_name("N")
      ->group(limits);
  app.add_option("--header-seconds", c.header_seconds, "Time for a whole request header")
      ->check(seconds)
      ->type_name("S")
      ->capture_default_str()
      ->group(limits);
  app.add_option("--body-seconds", c.body_seconds, "Time for a body, before it must come at 500 B/s")
      ->check(seconds)
      ->type_name("S")
      ->capture_default_str()
      ->group(limits);
  app.add_option("--write-seconds", c.write_seconds, "Time for a client to take an answer")
      ->check(seconds)
      ->type_name("S")
      ->capture_default_str()
      ->group(limits);
  app.add_option("--idle-seconds", c.idle_seconds, "Time a connection may wait between requests")
      ->check(seconds)
      ->type_name("S")
      ->capture_default_str()
      ->group(limits);
  app.add_option("--max-connections", c.max_connections, "Connections at once")
      ->check(positive)
      ->type_name("N")
      ->capture_default_str()
      ->group(limits);
  app.add_option("--max-connections-per-address", c.max_connections_per_address,
                 "Connections at once from one address")
      ->check(positive)
      ->type_name("N")
      ->capture_default_str()
      ->group(limits);
  app.add_option("--max-waiting", c.max_waiting,
                 "Connections whose client waits for a change (Prefer: wait, event streams); counted apart")
      ->check(positive)
      ->type_name("N")
      ->capture_default_str()
      ->group(limits);
  app.add_option("--max-waiting-per-address", c.max_waiting_per_address, "The same from one address")
      ->check(positive)
      ->type_name("N")
      ->capture_default_str()
      ->group(limits);
  app.add_option("--max-header-bytes", c.max_header_bytes, "Size of a request header")
      ->check(bytes)
      ->type_name("N")
      ->capture_default_str()
      ->group(limits);
  app.add_option("--max-target-bytes", c.max_target_bytes, "Size of a request target (path and query)")
      ->check(bytes)
      ->type_name("N")
      ->capture_default_str()
      ->group(limits);
  app.add_option("--max-fields", c.max_fields, "Header fields of a request")
      ->check(positive)
      ->type_name("N")
      ->capture_default_str()
      ->group(limits);
  app.add_option("--max-body-bytes", c.max_body_bytes, "Size of a JSON body")
      ->check(bytes)
      ->type_name("N")
      ->capture_default_str()
      ->group(limits);
}

} // namespace kiln::app

// SPDX-License-Identifier: Apache-2.0
#include "app/config.hpp"
#include "app/exit_status.hpp"
#include "app/part_settings.hpp"

#include <gtest/gtest.h>

#include <fstream>

namespace kiln::app {
namespace {

using list = std::vector<std::string>;

/// With a .blend and without the machine's own configuration file, unless `arguments` say otherwise.
std::variant<config, early_exit> read(list arguments, const list& environment = {}) {
  arguments.insert(arguments.begin(), {"--blend", "/scenes/a.blend"});
  return read_config(std::move(arguments), environment);
}

config good(list arguments, const list& environment = {}) {
  auto c = read(std::move(arguments), environment);
  if (const auto* bad = std::get_if<early_exit>(&c)) {
    ADD_FAILURE() << bad->text;
    return {};
  }
  return std::get<config>(std::move(c));
}

/// The message for a wrong configuration.
std::string refused(list arguments, const list& environment = {}) {
  const auto c = read(std::move(arguments), environment);
  const auto* bad = std::get_if<early_exit>(&c);
  if (!bad) {
    ADD_FAILURE() << "taken";
    return {};
  }
  EXPECT_EQ(bad->status, exit_usage);
  return bad->text;
}

class config_file : public testing::Test {
protected:
  config_file() : path_(testing::TempDir() + "kilnd-config-" + std::to_string(::getpid()) + ".toml") {}
  ~config_file() override { std::filesystem::remove(path_); }
  std::string with(const std::string& text) {
    std::ofstream{path_} << text;
    return path_;
  }
  std::string path_;
};

TEST(config, scripts_of_scenes_do_not_run_unless_told) {
  using enum domain::autorun_scope;
  EXPECT_EQ(limits_of_jobs(good({})).autorun, never);
  EXPECT_EQ(limits_of_jobs(good({"--autorun", "roots"})).autorun, roots);
  EXPECT_EQ(limits_of_jobs(good({}, {"KILN_AUTORUN=always"})).autorun, always);
  EXPECT_NE(refused({"--autorun", "yes"}).find("autorun"), std::string::npos);
  domain::job_spec job;
  job.frames = *domain::frame_set::range(1, 1);
  job.autorun = job.own_process = true;
  const auto limits = limits_of_jobs(good({"--autorun", "roots", "--state", "/s/state", "--output",
                                           "/s/output", "--sandbox-write", "/s/caches:/t"}));
  for (const auto& [blend, may] :
       {std::pair{"/s/a.blend", true}, std::pair{"/s/state/blends/x/upload.blend", false},
        std::pair{"/s/output/j/a.blend", false}, std::pair{"/s/caches/a.blend", false}}) {
    job.blend = blend;
    EXPECT_EQ(domain::check_job(job, limits).empty(), may) << blend;
  }
}

TEST(config, webhooks_go_nowhere_unless_told) {
  EXPECT_TRUE(good({}).webhook_targets.empty());
  const auto c = good({"--webhook-target", "hooks.example.com,10.0.0.0/8:8080", "--webhook-target",
                       "[fd00::/8]:443", "--webhook-ca-file", "ca.pem"});
  EXPECT_EQ(c.webhook_targets, (list{"hooks.example.com", "10.0.0.0/8:8080", "[fd00::/8]:443"}));
  EXPECT_TRUE(c.webhook_ca_file.is_absolute());
  EXPECT_NE(refused({"--webhook-target", "http://x/"}).find("hooks.example.com:8443"), std::string::npos);
}

TEST(config, has_sane_defaults) {
  const auto c = good({"--state", "/s"});
  EXPECT_EQ(c.listen.address, "127.0.0.1");
  EXPECT_EQ(c.listen.port, 3000);
  EXPECT_EQ(c.slots, 1U);
  ASSERT_EQ(c.blenders.size(), 1U);
  EXPECT_EQ(c.blenders[0].name, "default");
  EXPECT_EQ(c.blenders[0].path, "blender");
  EXPECT_EQ(c.output, "/s/output");
  EXPECT_FALSE(c.log_json);
}

TEST_F(config_file, a_flag_is_stronger_than_the_environment_and_that_than_the_file) {
  const auto file = with(
      "slots = 2\nmax_queued = 20\nthreads = 3\nlisten = \"127.0.0.1:1\"\nallowed_hosts = [\"a\", \"b\"]\n");
  const auto c =
      good({"--config", file, "--slots", "4"}, {"KILN_SLOTS=3", "KILN_MAX_QUEUED=30", "PATH=/bin"});
  EXPECT_EQ(c.slots, 4U);
  EXPECT_EQ(c.max_queued, 30U);
  EXPECT_EQ(c.threads, 3);
  EXPECT_EQ(c.listen.port, 1);
  EXPECT_EQ(c.allowed_hosts, (list{"a", "b"}));
  EXPECT_EQ(good({}, {"KILN_CONFIG=" + file}).slots, 2U);
}

TEST_F(config_file, several_blenders_have_names_and_the_usual_one_comes_first) {
  const auto names_of = [](const config& c) {
    list names;
    for (const auto& one : c.blenders)
      names.push_back(one.name + " " + one.path.native());
    return names;
  };
  EXPECT_EQ(names_of(good({"--blender", "/opt/a=b/blender"})), (list{"default /opt/a=b/blender"}));
  EXPECT_EQ(names_of(good({"--blender", "lts=/opt/3.6/blender", "--blender", "new=blender-4.2"})),
            (list{"lts /opt/3.6/blender", "new blender-4.2"}));
  EXPECT_EQ(names_of(good({}, {"KILN_BLENDER=blender:lts=/opt/3.6/../3.5/blender"})),
            (list{"default blender", "lts /opt/3.5/blender"}));
  const auto file = with("blender = [\"lts=/opt/3.6/blender\", \"4.2=/opt/4.2/blender\"]\n");
  EXPECT_EQ(names_of(good({"--config", file})), (list{"lts /opt/3.6/blender", "4.2 /opt/4.2/blender"}));
  EXPECT_TRUE(good({"--blender", "lts=blender"}).blenders[0].path.is_relative());

  EXPECT_EQ(names_of(good({"--blender", "/a", "--blender", "x=/b", "--blender", "/c"})),
            (list{"default /c", "x /b"}));
  EXPECT_NE(refused({"--blender", "x="}).find("where is x?"), std::string::npos);
  for (const auto& name : list{"", "a b", "\xc3\xa9", "a\x1b", std::string(64, 'a')})
    EXPECT_NE(refused({"--blender", name + "=/a"}).find("is no name"), std::string::npos) << name;
}

TEST_F(config_file, an_unknown_key_is_refused_with_the_near_one) {
  EXPECT_NE(refused({"--config", with("slot = 2\n")}).find("did you mean \"slots\"?"), std::string::npos);
  EXPECT_NE(refused({"--max-qeued", "2"}).find("did you mean \"max-queued\"?"), std::string::npos);
  const auto variable = refused({}, {"KILN_BLEDNER=x"});
  EXPECT_NE(variable.find("KILN_BLEDNER"), std::string::npos) << variable;
  EXPECT_NE(variable.find("did you mean KILN_BLENDER?"), std::string::npos) << variable;
  EXPECT_EQ(refused({"--zzzzzzzz"}).find("did you mean"), std::string::npos);
}

TEST_F(config_file, a_wrong_value_names_file_line_key_and_a_right_value) {
  struct row {
    const char* line;
    std::vector<const char*> says;
  };
  for (const auto& [line, says] : std::vector<row>{
           {"slots = \"many\"", {"slots = 'many' is wrong", "1024", "slots = 1"}},
           {"slots = true", {"slots = true is wrong", "slots = 1"}},
           {"slots = 0", {"slots = 0 is wrong", "slots = 1"}},
           {"slots = 1.5", {"slots = 1.5 is wrong"}},
           {"slots = [1, 2]", {"it has one value, not a list", "slots = 1"}},
           {"slots = 2026-01-01", {"it must be a text or a number"}},
           {"slots = { a = 1 }", {"it must be a text or a number"}},
           {"stop_grace = \"long\"", {"stop_grace = 'long' is wrong", "stop_grace = 10"}},
           {"allow_open_network = \"maybe\"", {"it must be true or false", "allow_open_network = true"}},
           {"allow_open_network = 1", {"it must be true or false"}},
           {"log_level = \"loud\"", {"log_level = 'loud' is wrong", "log_level = \"info\""}},
           {"blend = false", {"blend = false is wrong", "blend = \"FILE\""}},
           {"listen = 70000", {"listen = 70000 is wrong", "listen = \"127.0.0.1:3000\""}},
           {"allowed_hosts = []", {"an empty list", "allowed_hosts = [\"NAME\"]"}},
           {"trusted_proxies = [\"10.0.0.1\", \"10.0.0.1/8\"]",
            {"trusted_proxies = [ '10.0.0.1', '10.0.0.1/8' ] is wrong", "more bits than its prefix"}},
           {"trusted_proxies = \"proxy.example\"", {"is not an address or a network such as"}},
           {"trusted_proxies = \"::/0\"", {"is everybody"}},
           {"public_url = \"/kiln\"", {"public_url = '/kiln' is wrong", "begins with http://"}},
           {"public_url = \"https://farm.example/../kiln\"", {"\"..\" segments"}},
           {"public_url = [\"https://a.example\", \"https://b.example\"]", {"it has one value"}},
           {"output = 3", {"output = 3 is wrong", "it must be a text", "output = \"DIR\""}},
           {"project_root = [\"a\", 5]", {"it must be a text"}},
           {"allowed_hosts = 7", {"allowed_hosts = 7 is wrong", "it must be a text"}},
           {"[http]\nslots = 1", {"there is no key \"http\"", "no tables"}},
           {"slot = 2", {"there is no key \"slot\"", "did you mean \"slots\"?"}},
       }) {
    const auto text = refused({"--config", with("# a comment\nthreads = 2\n" + std::string{line} + "\n")});
    EXPECT_NE(text.find(path_ + ", line 3: "), std::string::npos) << text;
    for (const char* part : says)
      EXPECT_NE(text.find(part), std::string::npos) << part << " in " << text;
  }
  const auto broken = refused({"--config", with("slots = 1\nthreads = [\n")});
  EXPECT_NE(broken.find(path_), std::string::npos) << broken;
  EXPECT_TRUE(
      good({"--config", with("sandbox_display = true\nproject_root = [\"/a\", \"/b\"]\ndisk_reserve = "
                             "\"2GiB\"\nrate_limit = 0.5\nallowed_hosts = [\"a\"]\n")})
          .sandbox_display);
}

TEST_F(config_file, the_default_file_may_be_missing_but_not_unreadable) {
  const auto read_default = [](const std::string& file, list more = {}) {
    more.insert(more.begin(), {"--blend", "/scenes/a.blend"});
    return read_config(std::move(more), {}, file);
  };
  EXPECT_TRUE(std::holds_alternative<config>(read_default("/nonexistent/kilnd.toml")));
  EXPECT_TRUE(std::holds_alternative<config>(read_default("/dev/null/kilnd.toml")));
  EXPECT_EQ(std::get<config>(read_default(with("slots = 5\n"))).slots, 5U);

  const auto refused_file = [&](const std::string& file) {
    const auto c = read_default(file);
    const auto* bad = std::get_if<early_exit>(&c);
    ASSERT_NE(bad, nullptr) << file;
    EXPECT_EQ(bad->status, exit_usage);
    EXPECT_NE(bad->text.find(file), std::string::npos) << bad->text;
  };
  std::filesystem::remove(path_);
  std::filesystem::create_directory(path_);
  refused_file(path_);
  std::filesystem::remove(path_);
  std::filesystem::create_symlink(path_, path_); // which leads nowhere
  refused_file(path_);
  const auto other = path_ + ".other";
  std::ofstream{other} << "slots = 3\n";
  EXPECT_EQ(std::get<config>(read_default(path_, {"--config", other})).slots, 3U);
  std::filesystem::remove(other);
  if (::geteuid() != 0) {
    std::filesystem::remove(path_);
    const auto closed = with("slots = 5\n");
    std::filesystem::permissions(closed, std::filesystem::perms::none);
    refused_file(closed);
  }
}

TEST(config, variables_of_the_command_kiln_are_not_keys) {
  EXPECT_TRUE(good({}, {"KILN_URL=http://127.0.0.1:3000", "KILN_TOKEN=x"}).passed_over.empty());
  refused({}, {"KILN_URLS=x"});
}

TEST(config, variables_of_a_container_platform_are_passed_over) {
  const list of_kubernetes{"KILN_SERVICE_HOST=10.96.3.1",
                           "KILN_SERVICE_PORT=3000",
                           "KILN_SERVICE_PORT_HTTP=3000",
                           "KILN_PORT=tcp://10.96.3.1:3000",
                           "KILN_PORT_3000_TCP=tcp://10.96.3.1:3000",
                           "KILN_PORT_3000_TCP_PROTO=tcp",
                           "KILN_PORT_3000_TCP_PORT=3000",
                           "KILN_PORT_3000_TCP_ADDR=10.96.3.1",
                           "KILN_WEB_SERVICE_HOST=10.96.3.2",
                           "KILN_WEB_PORT=udp://10.96.3.2:53",
                           "KILN_WEB_PORT_53_UDP_ADDR=10.96.3.2"};
  const auto c = good({}, of_kubernetes);
  EXPECT_EQ(c.passed_over.size(), of_kubernetes.size());
  EXPECT_EQ(c.passed_over.front(), "KILN_SERVICE_HOST");
  for (const char* wrong :
       {"KILN_PORT=3000", "KILN_PORT_TCP=x", "KILN_PORT_3000_TCP_NAME=x", "KILN_3000_TCP=x", "KILN_SERVICE=x",
        "KILN_HOST=x", "KILN_=x", "KILN_TCP=x", "KILN_LISTEN_PORT=3000", "KILN_BLENDERS=/x"})
    EXPECT_NE(refused({}, {wrong}).find("there is no such key"), std::string::npos) << wrong;
  EXPECT_EQ(good({}, {"KILN_SLOTS=2", "KILN_PORT=tcp://10.96.3.1:3000"}).slots, 2U);
}

TEST_F(config_file, a_broken_or_missing_file_is_refused) {
  (void)refused({"--config", with("slots = = 2\n")});
  (void)refused({"--config", with("slots = [1\n")});
  (void)refused({"--config", with(std::string("slots\0 = 2\n\xff\xfe", 13))});
  EXPECT_NE(refused({"--config", "/nonexistent/kilnd.toml"}).find("/nonexistent/kilnd.toml"),
            std::string::npos);
}

TEST(config, values_out_of_range_are_refused) {
  for (const list& bad : std::vector<list>{{"--slots", "0"},
                                           {"--slots", "-1"},
                                           {"--slots", "many"},
                                           {"--slots", "1.5"},
                                           {"--slots", "99999999999999999999"},
                                           {"--threads", "1025"},
                                           {"--max-frames", "0"},
                                           {"--stop-grace", "-1"},
                                           {"--header-seconds", "nan"},
                                           {"--idle-seconds", "0"},
                                           {"--log-level", "loud"},
                                           {"--log-format", "xml"},
                                           {"--max-body-bytes", "1"},
                                           {"--slots"},
                                           {"--listen", "x"},
                                           {"--listen", "127.0.0.1:70000"}})
    EXPECT_FALSE(refused(bad).empty()) << bad.front();
}

TEST(config, listening_to_others_has_to_be_meant) {
  EXPECT_NE(refused({"--listen", "0.0.0.0:3000"}).find("--allow-open-network"), std::string::npos);
  EXPECT_EQ(good({"--listen", ":3000", "--allow-open-network"}).listen.address, "0.0.0.0");
  EXPECT_EQ(good({"--listen", "[::1]:80"}).listen.address, "::1");
}

TEST(config, limits_are_for_others_unless_said) {
  EXPECT_EQ(rate_of(good({})).per_second, 0);
  const list open{"--listen", ":3000", "--allow-open-network"};
  EXPECT_EQ(rate_of(good(open)).per_second, 200);
  EXPECT_EQ(rate_of(good(open)).burst, 1000);
  EXPECT_EQ(rate_of(good({"--listen", ":3000", "--allow-open-network", "--rate-limit", "0"})).per_second, 0);
  EXPECT_EQ(rate_of(good({"--rate-limit", "0.05"})).burst, 1);
  EXPECT_EQ(rate_of(good({"--rate-limit", "3", "--rate-burst", "7"})).burst, 7);
  auto given_socket = good({"--allow-open-network"});
  given_socket.listen.address = "0.0.0.0";
  EXPECT_EQ(rate_of(given_socket).per_second, 200);
  for (const list& wrong :
       {list{"--rate-limit", "-1"}, list{"--rate-limit", "0.001"}, list{"--rate-burst", "0.5"}})
    EXPECT_NE(refused(wrong), "") << wrong[1];
}

TEST(config, tokens_are_asked_for_by_a_command) {
  const auto add = read_config({"token", "add", "ci", "--role", "submit", "--state", "/s"}, {});
  const auto& c = std::get<config>(add);
  EXPECT_EQ(c.token->what, token_request::verb::add);
  EXPECT_EQ(c.token->name, "ci");
  EXPECT_EQ(c.token->role, "submit");
  EXPECT_EQ(c.tokens_file, "/s/tokens");
  EXPECT_FALSE(c.token->expires);
  EXPECT_TRUE(c.token->projects.empty());
  EXPECT_FALSE(c.needs_tokens);
  const auto limited = read_config(
      {"token", "add", "ci", "--role", "submit", "--expires", "30d", "--project", "/a b", "--project", "c"},
      {});
  EXPECT_EQ(std::get<config>(limited).token->expires, "30d");
  EXPECT_EQ(std::get<config>(limited).token->projects, (list{"/a b", "c"}));
  EXPECT_TRUE(good({"--tokens-file", "/t"}).needs_tokens);
  EXPECT_EQ(std::get<config>(read_config({"token", "list", "--listen", ":1"}, {})).token->what,
            token_request::verb::list);
  for (const list& wrong :
       {list{"token"}, list{"token", "ad"}, list{"token", "add", "x"}, list{"token", "remove"},
        list{"token", "add", "x", "--role", "none"}, list{"token", "list", "x"},
        list{"token", "list", "--expires", "1d"}, list{"token", "remove", "x", "--project", "/a"},
        list{"--blend", "a.blend", "--expires", "1d"}})
    EXPECT_EQ(std::get<early_exit>(read_config(wrong, {})).status, exit_usage) << wrong.back();
}

TEST(config, origins_and_certificates) {
  EXPECT_EQ(good({"--allowed-origins", "HTTPS://Shop.example,http://localhost:1"}).allowed_origins,
            (list{"https://shop.example", "http://localhost:1"}));
  EXPECT_NE(refused({"--allowed-origins", "*", "--state", "/nonexistent"}).find("no tokens"),
            std::string::npos);
  EXPECT_NE(refused({"--tls-certificate", "c.pem"}).find("tls_key"), std::string::npos);
  EXPECT_TRUE(good({"--tls-certificate", "c.pem", "--tls-key", "k.pem"}).tls_key.is_absolute());
}

TEST_F(config_file, proxies_are_a_list_from_each_source) {
  const list two{"10.0.0.1", "fd00::/8"};
  EXPECT_EQ(good({"--trusted-proxies", "10.0.0.1,fd00::/8"}).trusted_proxies, two);
  EXPECT_EQ(good({}, {"KILN_TRUSTED_PROXIES=10.0.0.1,fd00::/8"}).trusted_proxies, two);
  EXPECT_EQ(good({"--config", with("trusted_proxies = [\"10.0.0.1\", \"fd00::/8\"]\n")}).trusted_proxies,
            two);
}

TEST(config, the_blend_must_be_said) {
  const auto c = read_config({}, {});
  EXPECT_NE(std::get<early_exit>(c).text.find("--blend"), std::string::npos);
}

TEST(config, help_and_version_are_no_errors) {
  const auto help = read_config({"--help"}, {});
  EXPECT_EQ(std::get<early_exit>(help).status, exit_ok);
  EXPECT_NE(std::get<early_exit>(help).text.find("--max-queued"), std::string::npos);
  EXPECT_EQ(std::get<early_exit>(read_config({"--version"}, {})).text.substr(0, 6), "kilnd ");
}

TEST(listen_address, reads_addresses_and_ports) {
  EXPECT_EQ(parse_listen_address("3000")->address, "127.0.0.1");
  EXPECT_EQ(parse_listen_address("localhost:1")->address, "127.0.0.1");
  EXPECT_EQ(parse_listen_address("[::]:0")->address, "::");
  EXPECT_EQ(parse_listen_address("192.168.0.1:65535")->port, 65535);
  for (const char* bad : {"", ":", "a:1", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536",
                          "::1:3000", "[::1]", "[127.0.0.1]:1", "[]:1", "127.0.0.1:1 ", "-1", "256.0.0.1:1"})
    EXPECT_FALSE(parse_listen_address(bad)) << bad;
}

TEST(config, the_project_root_is_where_the_blend_is_unless_said) {
  EXPECT_EQ(good({"--state", "/s"}).project_roots, std::vector<std::filesystem::path>{"/scenes"});
  EXPECT_EQ(good({"--project-root", "/a:/b/../c"}).project_roots,
            (std::vector<std::filesystem::path>{"/a", "/c"}));
  const auto neither = read_config({"--state", "/s"}, {});
  EXPECT_NE(std::get<early_exit>(neither).text.find("--project-root"), std::string::npos);
  const auto alone = read_config({"--project-root", "/a"}, {});
  EXPECT_TRUE(std::get<config>(alone).blend.empty());
}

TEST(config, sizes_and_words) {
  EXPECT_EQ(good({"--disk-reserve", "2GiB"}).disk_reserve, 2ULL << 30);
  EXPECT_EQ(good({"--disk-reserve", "0"}).disk_reserve, 0U);
  EXPECT_TRUE(good({"--on-stop", "leave"}).leave_on_stop);
  EXPECT_TRUE(good({"--verify", "header"}).verify_headers_only);
  for (const list& wrong :
       {list{"--disk-reserve", "-1"}, list{"--disk-reserve", "much"}, list{"--on-stop", "maybe"},
        list{"--verify", "no"}, list{"--stall-timeout", "-1"}, list{"--look-again", "nan"}})
    EXPECT_NE(refused(wrong), "") << wrong[0];
}

TEST(config, backup_needs_a_file_and_no_blend) {
  const auto c = read_config({"backup", "copy.db", "--state", "/s"}, {});
  EXPECT_TRUE(std::get<config>(c).backup_to.is_absolute());
  EXPECT_EQ(std::get<early_exit>(read_config({"backup", "--state", "/s"}, {})).status, exit_usage);
  EXPECT_EQ(std::get<early_exit>(read_config({"backup", "a", "b"}, {})).status, exit_usage);
}

} // namespace
} // namespace kiln::app

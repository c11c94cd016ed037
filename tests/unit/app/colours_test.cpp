// SPDX-License-Identifier: Apache-2.0
#include "app/colours.hpp"
#include "support/loop.hpp"
#include "support/temp_directory.hpp"

#include <gtest/gtest.h>

#include <optional>

#include <unistd.h>

namespace kiln::app {
namespace {

constexpr const char* report = R"({"scene":"Scene","colours":{"view":"AgX"}})";

class colours_test : public tests::loop_test {
protected:
  /// With a Blender that runs this script.
  void use(const std::string& script) {
    const auto program = directory_.write("blender", "#!/bin/sh\n" + script);
    std::filesystem::permissions(program, std::filesystem::perms::owner_all);
    blender::install here{.name = "here", .executable = program, .version = "Blender 9.9"};
    here.program = program;
    here.identity = "1";
    std::vector<blender::install> all{std::move(here),
                                      {.name = "on nodes", .executable = "/x", .version = ""}};
    installs_.emplace(executor(), std::move(all));
    of_.emplace(executor(), runs_, *installs_, directory_ / "state",
                std::vector<std::string>{"PATH=/usr/bin:/bin"});
  }

  /// The content of the cube, or the message of the error.
  std::string ask(const preview::shown_colours& of) {
    std::string found;
    run([&]() -> aio::task<> {
      const auto cube = co_await of.cube();
      if (!cube) {
        found = cube.error().message;
        co_return;
      }
      found.resize(100);
      const auto size = ::pread((*cube)->get(), found.data(), found.size(), 0);
      found.resize(static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    });
    return found;
  }

  tests::temp_directory directory_;
  aio::blocking_pool pool_{1};
  bounded_runs runs_{executor(), pool_};
  std::optional<local::installs> installs_;
  std::optional<colours> of_;
};

TEST_F(colours_test, a_blender_is_asked_once_for_each_setting) {
  use("echo x >> " + (directory_ / "runs").native() + "; for last; do :; done; printf '%s' \"$last\" > cube");
  const auto first = of_->find("here", report);
  ASSERT_TRUE(first);
  EXPECT_EQ(ask(*first), R"({"view":"AgX"})");
  EXPECT_EQ(ask(*of_->find("here", report)), R"({"view":"AgX"})");
  EXPECT_EQ(directory_.read("runs"), "x\n");
  const auto other = of_->find("here", R"({"colours":{"view":"Raw"}})");
  EXPECT_NE(other->key, first->key);
  EXPECT_EQ(ask(*other), R"({"view":"Raw"})");
  EXPECT_FALSE(std::filesystem::exists(directory_ / "state/colours")) << "nothing is left";
}

TEST_F(colours_test, what_a_blender_cannot_show_is_told) {
  use("echo x >> " + (directory_ / "runs").native() + "; echo 'kiln_colours: TypeError: no AgX'; exit 1");
  EXPECT_EQ(ask(*of_->find("here", report)),
            "Blender 9.9 cannot show the colours of the scene: TypeError: no AgX");
  EXPECT_EQ(ask(*of_->find("here", report)),
            "Blender 9.9 cannot show the colours of the scene: TypeError: no AgX");
  EXPECT_EQ(directory_.read("runs"), "x\n") << "a refusal is remembered: each frame would start a Blender";
  use("exit 0");
  EXPECT_EQ(ask(*of_->find("here", report)),
            "Blender 9.9 cannot show the colours of the scene: it does not say why");
  use("ln -s /etc/passwd cube");
  EXPECT_EQ(ask(*of_->find("here", report)),
            "Blender 9.9 cannot show the colours of the scene: it does not say why");
}

TEST_F(colours_test, jobs_whose_colours_nobody_has_told) {
  use("exit 1");
  for (const char* none : {"", "{}", "[]", "{", R"({"colours":null})", R"({"colours":"AgX"})"})
    EXPECT_EQ(of_->find("here", none).error().code, errc::unsupported) << none;
  EXPECT_EQ(of_->find("on nodes", report).error().code, errc::unsupported);
  EXPECT_EQ(of_->find("gone", report).error().code, errc::unsupported);
}

} // namespace
} // namespace kiln::app

// SPDX-License-Identifier: Apache-2.0
#include "local/installs.hpp"
#include "support/loop.hpp"
#include "support/temp_directory.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace kiln::local {
namespace {

class installs_test : public tests::loop_test {
protected:
  blender::install named(const std::string& name) {
    blender::install one{name, dir_ / name, "Blender 4.3.2"};
    one.identity = identity_of(one);
    return one;
  }

  /// Counts its calls; the version is the file's content.
  installs make(std::vector<blender::install> all) {
    const auto probe = [this](blender::install asked) -> aio::task<result<blender::install>> {
      ++probes_;
      if (!fails_.empty())
        co_return error{errc::invalid_input, fails_};
      asked.identity = identity_of(asked);
      if (during_)
        during_();
      asked.version = dir_.read(asked.name);
      co_return asked;
    };
    return {executor(), std::move(all), probe};
  }

  aio::task<std::string> version(installs& of, std::string name) {
    const auto found = co_await of.current(std::move(name), pool_);
    co_return found ? found->version : found.error().message;
  }

  void replace(const std::string& name, const std::string& content) {
    std::filesystem::rename(dir_.write(name + ".new", content), dir_ / name);
  }

  tests::temp_directory dir_;
  aio::blocking_pool pool_{1};
  int probes_ = 0;
  std::string fails_;
  std::function<void()> during_;
};

TEST_F(installs_test, one_that_is_unchanged_is_not_probed) {
  dir_.write("a", "Blender 4.3.2");
  auto all = make({named("a")});
  run([&]() -> aio::task<> {
    EXPECT_EQ(co_await version(all, "a"), "Blender 4.3.2");
    EXPECT_EQ(co_await version(all, ""), "Blender 4.3.2");
  });
  EXPECT_EQ(probes_, 0);
}

TEST_F(installs_test, one_that_was_replaced_is_probed_once) {
  dir_.write("a", "Blender 4.3.2");
  dir_.write("b", "Blender 4.3.2");
  auto all = make({named("a"), named("b")});
  const auto before = all.find("a")->identity;
  replace("a", "Blender 5.2.2");
  run([&]() -> aio::task<> {
    EXPECT_EQ(co_await version(all, "a"), "Blender 5.2.2");
    EXPECT_EQ(co_await version(all, "a"), "Blender 5.2.2");
    EXPECT_EQ(co_await version(all, "b"), "Blender 4.3.2");
  });
  EXPECT_EQ(probes_, 1);
  EXPECT_NE(all.find("a")->identity, before);
  EXPECT_EQ(all.all().front().version, "Blender 5.2.2");
}

TEST_F(installs_test, a_link_that_leads_elsewhere_is_another_program) {
  dir_.write("4.3", "Blender 4.3.2");
  dir_.write("5.2", "Blender 5.2.2");
  std::filesystem::create_symlink("4.3", dir_ / "a");
  auto all = make({named("a")});
  std::filesystem::remove(dir_ / "a");
  std::filesystem::create_symlink("5.2", dir_ / "a");
  run([&]() -> aio::task<> { EXPECT_EQ(co_await version(all, "a"), "Blender 5.2.2"); });
}

TEST_F(installs_test, the_program_behind_a_launcher_counts) {
  dir_.write("a", "#!/bin/sh");
  dir_.write("binary", "x");
  auto one = named("a");
  one.program = one.executable;
  one.binary = dir_ / "binary";
  one.identity = identity_of(one);
  auto all = make({one});
  replace("binary", "y");
  run([&]() -> aio::task<> { EXPECT_EQ(co_await version(all, "a"), "#!/bin/sh"); });
  EXPECT_EQ(probes_, 1);
}

TEST_F(installs_test, one_that_is_replaced_while_it_is_probed_is_probed_again) {
  dir_.write("a", "Blender 4.3.2");
  auto all = make({named("a")});
  replace("a", "Blender 5.1.0");
  during_ = [this] {
    during_ = {};
    replace("a", "Blender 5.2.2");
  };
  run([&]() -> aio::task<> {
    (void)co_await version(all, "a");
    EXPECT_EQ(co_await version(all, "a"), "Blender 5.2.2");
  });
  EXPECT_EQ(probes_, 2);
}

TEST_F(installs_test, a_probe_that_fails_is_an_error_until_one_succeeds) {
  dir_.write("a", "Blender 4.3.2");
  auto all = make({named("a")});
  replace("a", "Blender 5.2.2");
  fails_ = "half of it is there";
  run([&]() -> aio::task<> {
    EXPECT_EQ(co_await version(all, "a"), fails_);
    fails_.clear();
    EXPECT_EQ(co_await version(all, "a"), "Blender 5.2.2");
  });
}

TEST_F(installs_test, one_that_was_missing_at_the_start_is_probed_once_it_is_there) {
  blender::install missing{"a", dir_ / "a", {}};
  missing.wrong = "there is no program";
  auto all = make({missing, blender::install{"b", dir_ / "b", "Blender 4.3.2"}});
  run([&]() -> aio::task<> {
    EXPECT_EQ(co_await version(all, "a"), "there is no program");
    dir_.write("a", "Blender 5.2.2");
    EXPECT_EQ(co_await version(all, "a"), "Blender 5.2.2");
  });
}

TEST_F(installs_test, a_failed_probe_is_repeated_for_a_job_that_needs_this_install) {
  dir_.write("a", "Blender 4.3.2");
  dir_.write("b", "Blender 4.3.2");
  auto all = make({named("a"), named("b")});
  replace("a", "Blender 5.2.2");
  fails_ = "it hangs";
  run([&]() -> aio::task<> {
    EXPECT_EQ(co_await version(all, "b"), "Blender 4.3.2");
    EXPECT_EQ(co_await version(all, "b"), "Blender 4.3.2");
    EXPECT_EQ(probes_, 1);
    EXPECT_EQ(co_await version(all, "a"), "it hangs");
    EXPECT_EQ(probes_, 2);
  });
}

TEST_F(installs_test, a_prober_that_throws_leaves_no_others_waiting) {
  dir_.write("a", "Blender 4.3.2");
  auto all = make({named("a")});
  replace("a", "Blender 5.2.2");
  during_ = [this] {
    during_ = {};
    throw std::runtime_error{"no memory"};
  };
  run([&]() -> aio::task<> {
    bool has_thrown = false;
    try {
      (void)co_await version(all, "a");
    } catch (const std::runtime_error&) {
      has_thrown = true;
    }
    EXPECT_TRUE(has_thrown);
    EXPECT_EQ(co_await version(all, "a"), "Blender 5.2.2");
  });
}

TEST_F(installs_test, one_that_is_missing_is_an_error_until_it_is_back) {
  dir_.write("a", "Blender 4.3.2");
  auto all = make({named("a")});
  std::filesystem::rename(dir_ / "a", dir_ / "moved");
  run([&]() -> aio::task<> {
    EXPECT_EQ(co_await version(all, "a"), "there is no program at " + (dir_ / "a").native() + " any more");
    const auto seen = co_await all.look(pool_);
    EXPECT_FALSE(seen->front().wrong.empty());
    std::filesystem::rename(dir_ / "moved", dir_ / "a");
    EXPECT_EQ(co_await version(all, "a"), "Blender 4.3.2");
    EXPECT_EQ(co_await version(all, "c"), "kilnd is no longer told of a Blender named c (--blender c=PATH)");
  });
  EXPECT_EQ(probes_, 0);
}

} // namespace
} // namespace kiln::local

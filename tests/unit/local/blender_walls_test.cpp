// SPDX-License-Identifier: Apache-2.0
#include "local/blender_walls.hpp"

#include <boost/json/parse.hpp>
#include <gmock/gmock.h>

namespace kiln::local {
namespace {

using testing::Contains;
using testing::Not;

installation here() {
  return {.project_roots = {"/projects"},
          .output = "/projects/frames",
          .state = "/var/lib/kiln",
          .also_read = {"/library"},
          .also_write = {"/cache"},
          .environment = {"HOME=/home/u", "OCIO=/studio/config.ocio", "BLENDER_USER_SCRIPTS=relative",
                          "HOMER=/x"}};
}

TEST(blender_walls, what_every_blender_may_touch) {
  const auto w = walls_around_blender(here());
  for (const char* path : {"/usr", "/projects", "/library", "/home/u/.config/blender", "/studio/config.ocio"})
    EXPECT_THAT(w.read, Contains(path));
  for (const char* path : {"/", "/etc", "/proc", "/home/u", "/tmp", "/var/lib/kiln", "/var/lib/kiln/blends",
                           "relative", "/x", "/etc/shadow"})
    EXPECT_THAT(w.read, Not(Contains(path)));
  EXPECT_THAT(w.write, testing::ElementsAre("/cache"));
  EXPECT_THAT(w.hidden, testing::ElementsAre("/var/lib/kiln", "/projects/frames", "/projects/frames/.kiln"));
  for (const char* device : {"/dev/null", "/dev/nvidia0", "/dev/kfd", "/dev/dri"})
    EXPECT_THAT(w.devices, Contains(device));
  EXPECT_EQ(w.talk, process::sockets::none);
}

TEST(blender_walls, secret_files_are_hidden_wherever_they_lie) {
  auto with_key = here();
  with_key.secret_files = {"/projects/key.pem", "/etc/kiln/kilnd.toml"};
  const auto w = walls_around_blender(with_key);
  EXPECT_THAT(w.hidden, testing::IsSupersetOf({"/projects/key.pem", "/etc/kiln/kilnd.toml"}));
}

TEST(blender_walls, a_display_opens_local_sockets_alone) {
  auto with_display = here();
  with_display.display = true;
  const auto w = walls_around_blender(with_display);
  EXPECT_EQ(w.talk, process::sockets::local);
  EXPECT_THAT(w.read, Contains("/tmp/.X11-unix"));
}

TEST(blender_walls, an_attempt_writes_to_its_workspace) {
  const auto id = attempt_id::parse("j06h0nhrgvkx9ez8bgq-1").value();
  const auto paths = executor::paths_of(id, "/projects/frames", "/var/lib/kiln");
  const auto w =
      walls_of_attempt(walls_around_blender(here()), {"/opt/blender-4.2"}, paths, "/elsewhere/a.blend");
  EXPECT_THAT(w.write, Contains(paths.workspace));
  EXPECT_THAT(w.write, Not(Contains(paths.final_dir)));
  EXPECT_THAT(w.read, Contains("/elsewhere/a.blend"));
  EXPECT_THAT(w.read, Contains("/opt/blender-4.2"));
}

TEST(blender_walls, the_script_is_told_of_them) {
  process::walls w{.read = {"/a \"b\""}, .write = {"/c"}, .hidden = {"/d"}};
  const auto text = describe_for_script(w);
  ASSERT_TRUE(text.starts_with("KILN_SANDBOX="));
  EXPECT_EQ(boost::json::parse(text.substr(13)),
            boost::json::parse(R"({"read":["/a \"b\"","/c"],"hidden":["/d"]})"));
}

TEST(blender_walls, programs_outside_are_not_looked_for) {
  const process::walls w{.read = {"/usr", "/opt/blender"}, .write = {"/w"}};
  const std::vector<std::pair<std::string, std::string>> expected{
      {"PATH=/home/a/.pyenv/bin:/usr/local/bin:/usr/bin", "PATH=/usr/local/bin:/usr/bin"},
      {"PATH=/usr:/usr/../root/bin:/usrlocal/bin:/opt/blender/:/w/bin", "PATH=/usr:/opt/blender/:/w/bin"},
      {"PATH=/home/a/bin", "PATH=/usr/bin:/bin"},
      {"PATH=::.:bin", "PATH=/usr/bin:/bin"},
      {"PATH=", "PATH=/usr/bin:/bin"},
      {"XPATH=/home/a", "XPATH=/home/a"}};
  for (const auto& [given, wanted] : expected)
    EXPECT_EQ(environment_inside(w, {"A=1", given}), (std::vector<std::string>{"A=1", wanted})) << given;
}

} // namespace
} // namespace kiln::local

// SPDX-License-Identifier: Apache-2.0
#include "client/exit_status.hpp"
#include "client/token_source.hpp"
#include "support/temp_directory.hpp"

#include <gtest/gtest.h>

#include <fstream>

namespace kiln::client {
namespace {

namespace fs = std::filesystem;

struct token_source : ::testing::Test {
  fs::path write(const fs::path& file, const char* text, fs::perms mode = fs::perms(0600)) {
    fs::create_directories(file.parent_path());
    std::ofstream{file} << text;
    fs::permissions(file, mode);
    return file;
  }

  tests::temp_directory here;
  std::vector<std::string> environment{"HOME=" + here.path().native()};
};

TEST_F(token_source, a_file_is_stronger_than_the_variable_and_that_than_the_configuration) {
  EXPECT_FALSE(*find_token({}, environment));
  write(here.path() / ".config/kiln/token", "of the configuration\n");
  EXPECT_EQ((*find_token({}, environment))->text, "of the configuration\n");
  environment.push_back("KILN_TOKEN=of the variable");
  EXPECT_EQ((*find_token({}, environment))->text, "of the variable");
  const auto file = write(here.path() / "mine", "of the file");
  EXPECT_EQ((*find_token(file, environment))->text, "of the file");
  EXPECT_EQ((*find_token(file, environment))->source, file.native());
}

TEST_F(token_source, a_file_that_others_can_read_is_refused) {
  for (const int mode : {0640, 0604, 0620, 0777}) {
    const auto file = write(here.path() / "open", "secret", static_cast<fs::perms>(mode));
    const auto found = find_token(file, environment);
    ASSERT_FALSE(found) << mode;
    EXPECT_EQ(status_of(found.error()), exit_status::usage);
    EXPECT_NE(found.error().message.find("chmod 600"), std::string::npos);
    EXPECT_EQ(found.error().message.find("secret"), std::string::npos);
  }
  EXPECT_FALSE(find_token(here.path() / "nowhere", environment));
  EXPECT_FALSE(find_token(here.path(), environment));
}

TEST_F(token_source, own_directories) {
  EXPECT_EQ(own_directory({"XDG_STATE_HOME=/s", "HOME=/h"}, "XDG_STATE_HOME", ".local/state"), "/s/kiln");
  EXPECT_EQ(own_directory({"XDG_STATE_HOME=s", "HOME=/h"}, "XDG_STATE_HOME", ".local/state"),
            "/h/.local/state/kiln");
  EXPECT_EQ(own_directory({}, "XDG_STATE_HOME", ".local/state"), "");
}

} // namespace
} // namespace kiln::client

// SPDX-License-Identifier: Apache-2.0
#include "slurm/submission.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kiln::slurm {
namespace {

using ::testing::Contains;
using ::testing::Not;
using ::testing::StartsWith;

submission usual() {
  return {.name = {{*job_id::parse("j0123456789abcdefgh"), 1}, 2},
          .owner = "abc",
          .directory = "/shared/out/.kiln/j-1/2",
          .final_dir = "/shared/out/j",
          .script = "/shared/out/.kiln/j-1/2/batch.sh",
          .blender = "blender",
          .tasks = 40,
          .at_once = 8,
          .fields = {}};
}

TEST(format_sbatch_arguments, says_what_is_to_be_run) {
  const auto arguments = format_sbatch_arguments(usual());
  for (const char* expected :
       {"--parsable", "--requeue", "--job-name=kiln-j0123456789abcdefgh-1-2", "--comment=kiln:abc",
        "--array=1-40%8", "--chdir=/shared/out/.kiln/j-1/2", "--nice=100", "--nodes=1"})
    EXPECT_THAT(arguments, Contains(expected));
  for (const char* absent :
       {"--partition", "--mem", "--time", "--gres", "--cpus-per-task", "--qos", "--account"})
    EXPECT_THAT(arguments, Not(Contains(StartsWith(absent)))) << "what nobody asks for is the site's";
  const std::vector<std::string> end{arguments.end() - 4, arguments.end()};
  EXPECT_EQ(end, (std::vector<std::string>{"/shared/out/.kiln/j-1/2/batch.sh", "/shared/out/.kiln/j-1/2",
                                           "/shared/out/j", "blender"}));
}

TEST(format_sbatch_arguments, passes_fields_on_as_arguments_of_their_own) {
  auto s = usual();
  s.fields = {.partition = "gpu",
              .account = "studio",
              .qos = "high",
              .constraint = "a100|h100",
              .gres = "gpu:a100:2",
              .mem = "16G",
              .time = std::chrono::seconds{61}};
  s.threads = 8;
  s.priority = 60;
  s.nice_step = 10;
  s.memory_factor = 2;
  s.site_options = {"--exclusive", "--partition=default"};
  const auto arguments = format_sbatch_arguments(s);
  for (const char* expected :
       {"--partition=gpu", "--account=studio", "--qos=high", "--constraint=a100|h100", "--gres=gpu:a100:2",
        "--mem=32G", "--time=2", "--cpus-per-task=8", "--nice=400"})
    EXPECT_THAT(arguments, Contains(expected));
  EXPECT_EQ(arguments[1], "--partition=default")
      << "sbatch takes the last: the job is stronger than the site";
}

TEST(format_sbatch_arguments, what_looks_like_shell_stays_one_argument) {
  auto s = usual();
  s.fields.account = "x; rm -rf / $(id) `id` 'a' \"b\"";
  s.directory = "/a b/$(id)/%j";
  const auto arguments = format_sbatch_arguments(s);
  EXPECT_THAT(arguments, Contains("--account=x; rm -rf / $(id) `id` 'a' \"b\""));
  EXPECT_THAT(arguments, Contains("/a b/$(id)/%j"));
}

TEST(nice_of, is_zero_for_the_highest_and_stays_in_range) {
  EXPECT_EQ(nice_of(100, 1), 0);
  EXPECT_EQ(nice_of(0, 1), 100);
  EXPECT_EQ(nice_of(-100, 10), 2000);
  EXPECT_EQ(nice_of(-100, 1'000'000'000), 2'000'000'000);
  EXPECT_EQ(nice_of(0, 0), 0);
}

TEST(scale_memory, multiplies_sizes_only) {
  EXPECT_EQ(scale_memory("16G", 2), "32G");
  EXPECT_EQ(scale_memory("500", 4), "2000");
  EXPECT_EQ(scale_memory("", 2), "");
  EXPECT_EQ(scale_memory("all", 2), "all");
  EXPECT_EQ(scale_memory("0", 2), "0");
  EXPECT_EQ(scale_memory("99999999999999999999G", 2), "99999999999999999999G");
}

TEST(parse_submitted, finds_the_number) {
  for (const char* text : {"1207\n", "1207;cluster\n", "Submitted batch job 1207\n",
                           "Submitted batch job 1207 on cluster c\n", "sbatch: warning: low balance\n1207\n",
                           "Hello from your site!\n\n  1207  \nGood luck\n", "1207\n1207\n"})
    EXPECT_EQ(parse_submitted(text), 1207U) << text;
  for (const char* text : {"", "\n", "job 1207", "-5", "0", "12a", "1207\n1208\n", "99999999999999999999999",
                           "Submitted batch job", "12 34"})
    EXPECT_FALSE(parse_submitted(text)) << text;
}

TEST(parse_refusal, knows_what_slurm_says) {
  const std::pair<const char*, refusal> table[]{
      {"sbatch: error: Batch job submission failed: Unable to contact slurm controller (connect failure)",
       refusal::away},
      {"sbatch: error: Slurm temporarily unable to accept job, sleeping and retrying", refusal::away},
      {"sbatch: error: Batch job submission failed: Socket timed out on send/recv operation", refusal::away},
      {"sbatch: error: QOSMaxSubmitJobPerUserLimit\nsbatch: error: Batch job submission failed: Job violates "
       "accounting/QOS policy (job submit limit, user's size and/or time limits)",
       refusal::full},
      {"sbatch: error: AssocMaxSubmitJobLimit", refusal::full},
      {"sbatch: error: Batch job submission failed: Invalid job array specification", refusal::too_many},
      {"sbatch: error: invalid partition specified: nope\nsbatch: error: Batch job submission failed: "
       "Invalid partition "
       "name specified",
       refusal::bad_field},
      {"sbatch: error: Batch job submission failed: Invalid account or account/partition combination "
       "specified",
       refusal::bad_field},
      {"sbatch: error: Invalid generic resource (gres) specification", refusal::bad_field},
      {"sbatch: error: Batch job submission failed: Requested node configuration is not available",
       refusal::bad_field},
      {"sbatch: error: Invalid --mem specification", refusal::bad_field},
      {"sbatch: error: Batch job submission failed: Requested time limit is invalid (missing or exceeds some "
       "limit)",
       refusal::bad_field},
      {"Segmentation fault", refusal::unknown},
      {"", refusal::unknown},
  };
  for (const auto& [text, expected] : table)
    EXPECT_EQ(parse_refusal(text), expected) << text;
}

TEST(describe_refusal, leaves_the_noise_out) {
  EXPECT_EQ(
      describe_refusal("Welcome!\nsbatch: error: invalid partition specified: nope\nsbatch: error: Batch job "
                       "submission failed: Invalid partition name specified\n"),
      "invalid partition specified: nope; Batch job submission failed: Invalid partition name specified");
  EXPECT_EQ(describe_refusal("broken\x01pipe"), "broken pipe");
  EXPECT_EQ(describe_refusal(""), "nothing");
  EXPECT_LE(describe_refusal(std::string(100'000, 'x')).size(), 300U);
}

} // namespace
} // namespace kiln::slurm

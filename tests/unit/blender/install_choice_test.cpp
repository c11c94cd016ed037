// SPDX-License-Identifier: Apache-2.0
#include "blender/install_choice.hpp"

#include <gtest/gtest.h>

namespace kiln::blender {
namespace {

using domain::failure;
using domain::failure_kind;
using packing = blend_header::packing;

blend_facts file(int version, std::optional<int> minimum, packing how = packing::none) {
  return {.header = {.packed = how, .version = version, .is_long = version >= 500},
          .render = {},
          .minimum = minimum};
}
// As these Blenders write them.
const auto of_283 = file(283, 280), of_304 = file(304, 304), of_403 = file(403, 306), of_502 = file(502, 405);

TEST(versions, are_read_as_a_blend_has_them) {
  struct row {
    const char* text;
    std::optional<int> version;
  };
  for (const auto& [text, version] : {row{"Blender 2.83.5", 283},
                                      row{"Blender 3.4.1", 304},
                                      row{"Blender 4.3.2", 403},
                                      row{"Blender 5.2.2 LTS", 502},
                                      row{"Blender 5.3.0 Beta", 503},
                                      row{"Blender 2.79 (sub 0)", 279},
                                      row{"3.4", 304},
                                      row{"Blender 4.10.0", 410},
                                      row{"", {}},
                                      row{"Blender", {}},
                                      row{"Blender ", {}},
                                      row{"Blender 4", {}},
                                      row{"Blender 4.", {}},
                                      row{"Blender x.3", {}},
                                      row{"Blender 4.x", {}},
                                      row{"Blender -4.3", {}},
                                      row{"Blender 4.-3", {}},
                                      row{"Blender 99999999999.1", {}},
                                      row{"Blender 400.3", {}},
                                      row{"Blender 4.100", {}},
                                      row{"Blender on the nodes of Slurm", {}}})
    EXPECT_EQ(parse_file_version(text), version) << text;
  EXPECT_EQ(format_version(283), "2.83");
  EXPECT_EQ(format_version(304), "3.4");
  EXPECT_EQ(format_version(502), "5.2");
}

// Each seen on the real Blenders, with the real file or with one whose version numbers were changed.
TEST(versions, what_each_blender_does_with_each_file) {
  struct row {
    int blender;
    blend_facts of;
    opening found;
  };
  const auto as = [](blend_facts facts, packing how) {
    facts.header.packed = how;
    return facts;
  };
  for (const auto& [blender, of, found] : {
           row{283, of_283, opening::whole}, row{304, of_283, opening::whole},
           row{502, of_403, opening::whole},
           row{283, of_304,
               opening::lossy}, // "Error: File written by newer Blender binary (304.3)", and renders
           row{283, as(of_304, packing::zstd), opening::refused}, // "File format is not supported"
           row{283, as(of_283, packing::zstd), opening::refused}, // the same: packed by hand
           row{283, as(of_304, packing::gzip), opening::lossy}, row{283, of_403, opening::refused}, // SIGSEGV
           row{304, of_403, opening::refused},                                                      // SIGSEGV
           row{304, as(of_403, packing::zstd), opening::refused}, row{304, file(305, 305), opening::lossy},
           row{283, of_502, opening::refused}, // "not a blend file"
           row{304, of_502, opening::refused},
           row{403, of_502, opening::refused}, // "incomplete header, may be from a newer version of Blender"
           row{403, as(of_502, packing::zstd), opening::refused},
           row{405, of_502, opening::lossy},           // as the notes of its release say
           row{403, file(404, 306), opening::lossy},   // "Warning: File written by newer Blender binary"
           row{403, file(404, 404), opening::refused}, // "saved by a newer version, open it with Blender 4.4"
           row{502, file(503, 405), opening::lossy}, row{502, file(503, 503), opening::refused},
           // Without GLOB only the header has the version.
           row{403, file(404, {}), opening::lossy}, row{304, file(403, {}), opening::lossy},
           row{304, file(502, {}), opening::refused},
           row{283, blend_facts{}, opening::whole}, // of a future Blender
       })
    EXPECT_EQ(opens(blender, of), found) << blender << " opens " << of.header.version.value_or(0);
}

std::vector<install> four() {
  return {{"usual", "/3.4/blender", "Blender 3.4.1"},
          {"old", "/2.83/blender", "Blender 2.83.5"},
          {"newest", "/5.2/blender", "Blender 5.2.2 LTS"},
          {"new", "/4.3/blender", "Blender 4.3.2"}};
}

choice chosen(const std::vector<install>& installs, const blend_facts& facts, std::string_view asked = {}) {
  auto found = choose_blender(installs, asked, facts, "/projects/scene.blend");
  if (auto* why = std::get_if<failure>(&found)) {
    ADD_FAILURE() << why->message;
    return {};
  }
  return std::get<choice>(found);
}

failure refused(const std::vector<install>& installs, const blend_facts& facts, std::string_view asked = {}) {
  auto found = choose_blender(installs, asked, facts, "/projects/scene.blend");
  if (auto* why = std::get_if<failure>(&found))
    return *why;
  ADD_FAILURE() << std::get<choice>(found).blender;
  return {};
}

TEST(choose_blender, the_default_unless_the_file_is_newer) {
  EXPECT_EQ(chosen(four(), of_304), (choice{"usual",
                                            "scene.blend was written by Blender 3.4; 3.4.1 is the default "
                                            "here, and not older",
                                            ""}));
  EXPECT_EQ(chosen(four(), of_283).blender, "usual");
  EXPECT_EQ(
      chosen(four(), blend_facts{}),
      (choice{"usual", "scene.blend does not say which Blender wrote it; 3.4.1 is the default here", ""}));
}

TEST(choose_blender, else_the_oldest_that_is_new_enough) {
  EXPECT_EQ(chosen(four(), of_403),
            (choice{"new",
                    "scene.blend was written by Blender 4.3; 4.3.2 is the oldest here "
                    "that is new enough",
                    ""}));
  EXPECT_EQ(chosen(four(), file(404, 306)).blender, "newest");
  EXPECT_EQ(chosen(four(), of_502).blender, "newest");
}

TEST(choose_blender, else_the_newest_that_opens_it_with_a_warning) {
  const auto found = chosen(four(), file(503, 405));
  EXPECT_EQ(found.blender, "newest");
  EXPECT_EQ(found.reason,
            "scene.blend was written by Blender 5.3; 5.2.2 LTS is the newest here that opens it");
  EXPECT_EQ(found.warning, "scene.blend was written by Blender 5.3, which is newer than 5.2.2 LTS: what that "
                           "Blender has no notion of is lost, and frames may look different");
}

TEST(choose_blender, none_opens_it) {
  const auto why = refused(four(), file(503, 503));
  EXPECT_EQ(why.kind, failure_kind::blend_unreadable);
  EXPECT_EQ(why.message,
            "scene.blend was written by Blender 5.3, and Blender 3.4.1, 2.83.5, 5.2.2 LTS, 4.3.2 cannot "
            "open it: it needs Blender 5.3 or newer (kilnd's --blender NAME=PATH adds one)");
}

TEST(choose_blender, one_that_is_named) {
  EXPECT_EQ(chosen(four(), of_403, "newest"), (choice{"newest", "", ""}));
  EXPECT_EQ(chosen(four(), of_304, "old").blender, "old");
  EXPECT_NE(chosen(four(), of_304, "old").warning.find("newer than 2.83.5"), std::string::npos);
  const auto why = refused(four(), of_403, "usual");
  EXPECT_EQ(why.kind, failure_kind::blend_unreadable);
  EXPECT_NE(why.message.find("written by Blender 4.3, and Blender 3.4.1 cannot"), std::string::npos);
  EXPECT_NE(why.message.find("needs Blender 3.6 or newer"), std::string::npos);
  EXPECT_EQ(refused(four(), of_304, "gone").kind, failure_kind::blender_missing);
  EXPECT_NE(refused(four(), of_304, "gone").message.find("named gone"), std::string::npos);
}

TEST(choose_blender, the_only_one_needs_no_reason) {
  const std::vector<install> one{four().front()};
  EXPECT_EQ(chosen(one, of_304), (choice{"", "", ""}));
  EXPECT_EQ(chosen(one, blend_facts{}), (choice{"", "", ""}));
  EXPECT_NE(chosen(one, file(305, 305)).warning, "");
  EXPECT_EQ(refused(one, of_502).kind, failure_kind::blend_unreadable);
}

TEST(choose_blender, those_that_cannot_be_used_are_passed_over) {
  auto installs = four();
  installs[0].wrong = "it is away";
  const auto found = chosen(installs, of_283);
  EXPECT_EQ(found.blender, "old");
  EXPECT_EQ(found.reason,
            "scene.blend was written by Blender 2.83; 2.83.5 is the first here, and not older; the "
            "default, usual, cannot be used: it is away");
  EXPECT_EQ(chosen(installs, of_304).blender, "new");
  EXPECT_EQ(refused(installs, of_304, "usual").kind, failure_kind::blender_missing);
  EXPECT_EQ(refused(installs, of_304, "usual").message, "Blender usual cannot be used: it is away");
  for (auto& one : installs)
    one.wrong = "they are away";
  EXPECT_EQ(refused(installs, of_304).kind, failure_kind::blender_missing);
}

TEST(choose_blender, an_install_of_an_unknown_version_is_never_the_second_choice) {
  auto installs = four();
  installs[3].version = "Blender of tomorrow";
  EXPECT_EQ(chosen(installs, of_403).blender, "newest");
  EXPECT_EQ(chosen(installs, of_502, "new").blender, "new");
  installs[0].version = "Blender of tomorrow";
  EXPECT_EQ(chosen(installs, of_502).blender, "usual");
}

TEST(choose_blender, an_upload_has_no_name_of_its_own) {
  const auto found = choose_blender(four(), {}, of_403, "sha256:0123");
  EXPECT_EQ(std::get<choice>(found).reason.substr(0, 22), "the .blend was written");
}

} // namespace
} // namespace kiln::blender

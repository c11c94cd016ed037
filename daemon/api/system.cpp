// SPDX-License-Identifier: Apache-2.0
#include "api/system.hpp"

#include "aio/directory.hpp"
#include "api/answers.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <fmt/format.h>

#include <cstddef>
#include <cstring>
#include <span>
#include <utility>

#include <elf.h>
#include <link.h>

namespace kiln::api {
namespace {

namespace json = boost::json;
using access::role;
using http::answer;

/// The build id among the notes of a segment, as hexadecimal digits.
std::string find_build_id(std::span<const std::byte> notes) {
  const auto padded = [](std::size_t size) { return (size + 3) / 4 * 4; };
  while (notes.size() >= sizeof(ElfW(Nhdr))) {
    ElfW(Nhdr) head;
    std::memcpy(&head, notes.data(), sizeof head);
    const auto name = sizeof head, content = name + padded(head.n_namesz);
    const auto end = content + padded(head.n_descsz);
    if (end > notes.size())
      break;
    if (head.n_type == NT_GNU_BUILD_ID && head.n_namesz == 4 && std::memcmp(&notes[name], "GNU", 4) == 0) {
      std::string found;
      for (const auto byte : notes.subspan(content, head.n_descsz))
        found += fmt::format("{:02x}", std::to_integer<unsigned>(byte));
      return found;
    }
    notes = notes.subspan(end);
  }
  return {};
}

/// Called for each loaded object, first for the program itself.
int look_at_program(dl_phdr_info* program, std::size_t, void* into) {
  for (const auto& segment : std::span{program->dlpi_phdr, program->dlpi_phnum}) {
    if (segment.p_type != PT_NOTE)
      continue;
    const auto* notes = reinterpret_cast<const std::byte*>(program->dlpi_addr + segment.p_vaddr);
    auto found = find_build_id({notes, segment.p_memsz});
    if (!found.empty())
      *static_cast<std::string*>(into) = std::move(found);
  }
  return 1; // no further object
}

/// Directories whose .blend files they may have rendered.
json::array roots_of(const access::principal& by, const std::vector<std::filesystem::path>& all) {
  json::array out;
  if (by.rank == role::read)
    return out;
  for (const auto& project : by.projects)
    out.emplace_back(project);
  if (by.projects.empty())
    for (const auto& root : all)
      out.emplace_back(root.native());
  return out;
}

json::object format_caller(const access::principal& by) {
  json::object you;
  you["name"] = by.name.empty() ? json::value(nullptr) : json::value(by.name);
  you["role"] = to_string(by.rank);
  return you;
}

} // namespace

std::string build_id() {
  std::string found;
  ::dl_iterate_phdr(look_at_program, &found);
  return found;
}

void system_view::add_routes(http::service& to) {
  to.on("GET", "/v1/system", role::read, [this](const http::request& asked) { return show(asked); });
}

aio::task<answer> system_view::show(const http::request& asked) {
  const auto look = [this] {
    return std::pair{aio::free_bytes(from_.output, 0), aio::free_bytes(from_.state, 0)};
  };
  const auto [of_output, of_state] = co_await from_.pool.run(look);
  const auto load = from_.jobs.load();
  const auto& waits_for = from_.jobs.blocked();
  const auto build = build_id();
  json::object out;
  out["you"] = format_caller(*asked.by);
  out["version"] = from_.version;
  out["build"] = build.empty() ? json::value(nullptr) : json::value(build);
  out["executor"] = from_.executor;
  out["sandbox"] = from_.sandbox;
  out["features"] = json::object{{"tokens", from_.doors.has_tokens()},
                                 {"tutorial", from_.has_tutorial},
                                 {"webhooks", from_.has_webhooks},
                                 {"autorun", from_.autorun}};
  out["limits"] = json::object{{"frames", from_.max_frames},
                               {"queued", from_.max_queued},
                               {"body_bytes", from_.max_body_bytes},
                               {"upload_bytes", from_.max_upload_bytes},
                               {"uploads_bytes", from_.uploads_quota}};
  out["slots"] = json::object{{"total", from_.slots}, {"taken", load.running}};
  out["queued"] = load.queued;
  out["waits_for"] = waits_for.empty() ? json::value(nullptr) : json::value(waits_for);
  out["disk"] = json::object{{"output_free_bytes", of_output},
                             {"state_free_bytes", of_state},
                             {"reserve_bytes", from_.disk_reserve}};
  out["roots"] = roots_of(*asked.by, from_.roots);
  co_return json_answer(200, out);
}

} // namespace kiln::api

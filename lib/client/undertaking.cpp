// SPDX-License-Identifier: Apache-2.0
#include "client/undertaking.hpp"

#include "client/exit_status.hpp"
#include "client/whole_file.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <random>

namespace kiln::client {

namespace json = boost::json;

result<std::optional<undertaking>> read_undertaking(const std::filesystem::path& file) {
  const auto text = read_whole(file);
  if (!text)
    return text.error();
  if (!*text)
    return std::optional<undertaking>{};
  boost::system::error_code wrong;
  const auto parsed = json::parse(**text, wrong);
  undertaking out;
  const auto take = [&](const char* name, std::string& into) {
    const auto* object = parsed.if_object();
    const auto* value = object ? object->if_contains(name) : nullptr;
    const auto* known = value ? value->if_string() : nullptr;
    if (known)
      into = *known;
    return known != nullptr;
  };
  const bool whole = !wrong && take("url", out.url) && take("command", out.command) && take("key", out.key) &&
                     take("job", out.job);
  if (!whole)
    return failure(
        exit_status::usage,
        fmt::format("{} is not a file of kiln: move it away, or choose another directory", file.native()));
  return std::optional{std::move(out)};
}

result<void> write_undertaking(const std::filesystem::path& file, const undertaking& what) {
  const json::object out{{"url", what.url}, {"command", what.command}, {"key", what.key}, {"job", what.job}};
  return write_whole(file, json::serialize(out) + "\n");
}

std::string make_key() {
  std::random_device random;
  return fmt::format("kiln-{:08x}{:08x}{:08x}{:08x}", random(), random(), random(), random());
}

} // namespace kiln::client

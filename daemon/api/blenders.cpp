// SPDX-License-Identifier: Apache-2.0
#include "api/blenders.hpp"

#include "api/answers.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include <utility>

namespace kiln::api {
namespace {

namespace json = boost::json;
using http::answer;

constexpr std::string_view maker = "Blender ";

/// Devices and engines, or why they are not known.
void add_abilities(json::object& to, const std::string& found, const std::string& why) {
  to["devices"] = to["engines"] = to["error"] = nullptr;
  boost::system::error_code ec;
  auto parsed = json::parse(found, ec);
  auto* told = ec ? nullptr : parsed.if_object();
  for (const char* list : {"devices", "engines"})
    if (auto* member = told ? told->if_contains(list) : nullptr; member && member->is_array())
      to[list] = std::move(*member);
  if (const auto* wrong = told ? told->if_contains("error") : nullptr; wrong && wrong->is_string())
    to["error"] = *wrong;
  if (!told)
    to["error"] = why;
}

} // namespace

blenders::blenders(aio::executor_type loop, std::vector<blender::install> installs, inquiry ask)
    : installs_(std::move(installs)), ask_(std::move(ask)), answered_(loop) {}

void blenders::add_routes(http::service& to) {
  to.on("GET", "/v1/blenders", access::role::read, [this](const http::request&) { return list(); });
}

aio::task<answer> blenders::list() {
  while (asking_) // for somebody else
    co_await answered_.wait();
  asking_ = true;
  json::array list;
  for (const auto& install : installs_) {
    std::string why;
    auto known = known_.find(install.name);
    if (known == known_.end()) {
      auto found = co_await ask_(install.executable);
      if (found)
        known = known_.emplace(install.name, std::move(*found)).first;
      else
        why = found.error().message; // and it is asked again the next time
    }
    json::object one;
    one["name"] = install.name;
    one["version"] =
        install.version.starts_with(maker) ? install.version.substr(maker.size()) : install.version;
    add_abilities(one, known == known_.end() ? std::string{} : known->second, why);
    list.push_back(std::move(one));
  }
  asking_ = false;
  answered_.notify_all();
  json::object body;
  body["blenders"] = std::move(list);
  co_return json_answer(200, body);
}

} // namespace kiln::api

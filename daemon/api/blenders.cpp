// SPDX-License-Identifier: Apache-2.0
#include "api/blenders.hpp"

#include "api/answers.hpp"
#include "blender/install_choice.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include <utility>
#include <vector>

namespace kiln::api {
namespace {

namespace json = boost::json;
using http::answer;

/// Devices and engines, or the reason why they are unknown.
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

blenders::blenders(aio::executor_type loop, local::installs& installs, aio::blocking_pool& pool, inquiry ask)
    : installs_(installs), pool_(pool), ask_(std::move(ask)), answered_(loop) {}

void blenders::add_routes(http::service& to) {
  to.on("GET", "/v1/blenders", access::role::read, [this](const http::request&) { return list(); });
}

aio::task<answer> blenders::list() {
  while (asking_) // for another request
    co_await answered_.wait();
  asking_ = true;
  struct end_of_asking { // also after an exception: other requests wait for it
    blenders& of;
    ~end_of_asking() {
      of.asking_ = false;
      of.answered_.notify_all();
    }
  } const end{*this};
  json::array list;
  const auto installs = co_await installs_.now({}, pool_);
  for (const auto& install : *installs) {
    const auto program = install.name + " " + install.identity;
    std::string why = install.wrong;
    auto known = why.empty() ? known_.find(program) : known_.end();
    if (known == known_.end() && why.empty()) {
      auto found = co_await ask_(install.executable);
      if (found)
        known = known_.emplace(program, std::move(*found)).first;
      else
        why = found.error().message; // the next request asks again
    }
    json::object one;
    one["name"] = install.name;
    one["version"] = nullptr;
    if (!install.version.empty())
      one["version"] = blender::bare_version(install);
    add_abilities(one, known == known_.end() ? std::string{} : known->second, why);
    list.push_back(std::move(one));
  }
  json::object body;
  body["blenders"] = std::move(list);
  co_return json_answer(200, body);
}

} // namespace kiln::api

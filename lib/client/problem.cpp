// SPDX-License-Identifier: Apache-2.0
#include "client/problem.hpp"

#include "base/utf8.hpp"
#include "client/exit_status.hpp"

#include <boost/json/parse.hpp>
#include <fmt/format.h>

namespace kiln::client {
namespace {

namespace json = boost::json;

constexpr int unauthorized = 401, forbidden = 403, unprocessable = 422;

std::string member_text(const json::object& of, const char* name) {
  const auto* value = of.if_contains(name);
  const auto* text = value ? value->if_string() : nullptr;
  return text ? as_utf8(*text) : std::string{};
}

json::object problem_of(const answer& a) {
  boost::system::error_code wrong;
  auto parsed = json::parse(a.body, wrong);
  return wrong || !parsed.is_object() ? json::object{} : std::move(parsed.get_object());
}

} // namespace

std::vector<field_problem> field_problems(const answer& a) {
  std::vector<field_problem> out;
  if (a.status != unprocessable)
    return out;
  const auto body = problem_of(a);
  const auto* all = body.if_contains("errors");
  if (!all || !all->is_array())
    return out;
  for (const auto& one : all->get_array())
    if (const auto* field = one.if_object())
      out.push_back({member_text(*field, "pointer"), member_text(*field, "detail")});
  return out;
}

error explain(const answer& a, const server& from, std::string_view doing) {
  const auto body = problem_of(a);
  auto text = member_text(body, "detail");
  if (const auto fields = field_problems(a); !fields.empty()) {
    text.clear();
    for (const auto& [pointer, detail] : fields)
      text += fmt::format("\n  {} {}", pointer, detail);
  }
  if (body.empty())
    text = fmt::format("{} does not look like kilnd: is the URL right?", from.text);
  auto message = fmt::format("{} is refused ({}): {}", doing, a.status, text);
  if (a.status == unauthorized)
    message += from.token.empty()
                   ? "\nkilnd wants a token: put it into ~/.config/kiln/token (chmod 600), or into "
                     "the variable KILN_TOKEN"
                   : "\nthe token is unknown to this kilnd, or has expired: ask for a new one";
  if (const auto id = a.find("x-request-id"))
    message += fmt::format("\n(request {})", *id);
  return failure(a.status == unauthorized || a.status == forbidden ? exit_status::not_allowed
                                                                   : exit_status::refused,
                 std::move(message));
}

} // namespace kiln::client

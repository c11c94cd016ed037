// SPDX-License-Identifier: Apache-2.0
#include "client/listing.hpp"

#include "base/ids.hpp"
#include "client/exit_status.hpp"
#include "client/job_ids.hpp"
#include "client/job_view.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace kiln::client {
namespace {

constexpr std::size_t longest_page = 1000;

} // namespace

aio::task<result<std::vector<boost::json::value>>> read_pages(caller& kilnd, std::string path,
                                                              std::string doing, std::size_t most) {
  std::vector<boost::json::value> out;
  std::string cursor;
  while (most > 0) {
    const auto size = std::min(most, longest_page);
    request what;
    what.path =
        fmt::format("{}{}limit={}{}", path, path.find('?') == std::string::npos ? '?' : '&', size, cursor);
    const auto got = co_await kilnd.ask_well(what, doing);
    if (!got)
      co_return got.error();
    auto page = json_of(*got, kilnd.to());
    if (!page)
      co_return page.error();
    out.push_back(std::move(*page));
    most -= size;
    const auto next = next_cursor(got->find("link").value_or(""));
    if (!next)
      break;
    cursor = "&cursor=" + *next;
  }
  co_return out;
}

aio::task<result<std::string>> find_job(caller& kilnd, std::string word, std::string last) {
  if (word == "@last") {
    if (last.empty())
      co_return failure(exit_status::usage, "no job has been sent from here yet: `kiln ls` lists all jobs");
    co_return last;
  }
  if (!is_begin_of_id(word))
    co_return failure(exit_status::usage,
                      fmt::format("{} is not the id of a job: write one of `kiln ls`, or @last", word));
  if (word.size() == job_id::length)
    co_return word;
  std::string path = "/v1/jobs";
  std::string doing = "the list of jobs";
  const auto pages = co_await read_pages(kilnd, path, doing, everything);
  if (!pages)
    co_return pages.error();
  std::vector<std::string> ids;
  for (const auto& page : *pages)
    if (const auto* jobs = page.is_object() ? page.get_object().if_contains("jobs") : nullptr;
        jobs && jobs->is_array())
      for (const auto& one : jobs->get_array())
        ids.push_back(read_job(one).id);
  co_return choose_id(word, ids);
}

} // namespace kiln::client

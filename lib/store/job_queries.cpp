// SPDX-License-Identifier: Apache-2.0
#include "store/job_queries.hpp"

#include "store/rows.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>

namespace kiln::store {
namespace {

// Each query follows the order of an index: a page costs the same wherever it begins. A search reads the
// words of all jobs from there to the end of its page, which are few bytes a job. Parameters: 1 tag, 2
// cursor, 3 states as "queued,running" (no name of a state is a part of another), 4 limit, 5 owner, 6 search.
#define KILN_OF_STATES "(?3 = '' OR instr(?3, job.state) > 0)"
#define KILN_OF_OWNER "(?5 = '' OR job.owner = ?5)"
#define KILN_HAS_WORDS                                                                                       \
  "(?6 = '' OR EXISTS (SELECT 1 FROM job_words WHERE job_words.job = job.id AND instr(words, lower(?6)) > "  \
  "0))"
#define KILN_PAGE(BY, ORDER) " ORDER BY " BY " " ORDER " LIMIT ?4"

#define KILN_BY_TAG(BEYOND, ORDER)                                                                           \
  "SELECT " KILN_JOB_COLUMNS " FROM job_tag CROSS JOIN job ON job.id = job_tag.job WHERE job_tag.tag = ?1 "  \
  "AND job_tag.job " BEYOND " ?2 AND " KILN_OF_STATES " AND " KILN_OF_OWNER                                  \
  " AND " KILN_HAS_WORDS KILN_PAGE("job_tag.job", ORDER)
#define KILN_BY_OWNER(BEYOND, ORDER)                                                                         \
  "SELECT " KILN_JOB_COLUMNS " FROM job WHERE ?1 = '' AND id " BEYOND " ?2 AND owner = ?5 "                  \
  "AND " KILN_OF_STATES " AND " KILN_HAS_WORDS KILN_PAGE("id", ORDER)
#define KILN_BY_WORDS(BEYOND, ORDER)                                                                         \
  "SELECT " KILN_JOB_COLUMNS " FROM job_words CROSS JOIN job ON job.id = job_words.job WHERE ?1 = '' "       \
  "AND ?5 = '' AND job_words.job " BEYOND " ?2 AND instr(words, lower(?6)) > 0 "                             \
  "AND " KILN_OF_STATES KILN_PAGE("job_words.job", ORDER)
#define KILN_BY_STATE(BEYOND, ORDER)                                                                         \
  "SELECT " KILN_JOB_COLUMNS " FROM job WHERE ?1 = '' AND ?5 = '' AND ?6 = '' AND id " BEYOND                \
  " ?2 AND state = ?3" KILN_PAGE("id", ORDER)
#define KILN_BY_ID(BEYOND, ORDER)                                                                            \
  "SELECT " KILN_JOB_COLUMNS " FROM job WHERE ?1 = '' AND ?3 = '' AND ?5 = '' AND ?6 = '' AND id " BEYOND    \
  " ?2" KILN_PAGE("id", ORDER)

const char* choose_query(const job_filter& f) {
  const bool up = f.oldest_first;
  if (!f.tag.empty())
    return up ? KILN_BY_TAG(">", "ASC") : KILN_BY_TAG("<", "DESC");
  if (!f.owner.empty())
    return up ? KILN_BY_OWNER(">", "ASC") : KILN_BY_OWNER("<", "DESC");
  if (!f.words.empty())
    return up ? KILN_BY_WORDS(">", "ASC") : KILN_BY_WORDS("<", "DESC");
  if (!f.states.empty())
    return up ? KILN_BY_STATE(">", "ASC") : KILN_BY_STATE("<", "DESC");
  return up ? KILN_BY_ID(">", "ASC") : KILN_BY_ID("<", "DESC");
}

std::vector<job_record> read_page(connection& from, const job_filter& f) {
  std::vector<std::string_view> names;
  for (const auto state : f.states)
    names.push_back(domain::to_string(state));
  const auto beginning = f.oldest_first ? std::string{} : std::string{"k"}; // ids begin with j
  auto& rows = from.statement(choose_query(f));
  rows.bind(1, f.tag);
  rows.bind(2, f.cursor ? f.cursor->str() : beginning);
  rows.bind(3, fmt::format("{}", fmt::join(names, ",")));
  rows.bind(4, static_cast<std::int64_t>(f.limit));
  rows.bind(5, f.owner);
  rows.bind(6, f.words);
  std::vector<job_record> found;
  while (rows.executeStep())
    found.push_back(read_job(rows));
  return found;
}

} // namespace

void write_words(connection& to, const job_record& job) {
  auto& old = to.statement("DELETE FROM job_tag WHERE job = ?1");
  old.bind(1, job.id.str());
  old.exec();
  for (const auto& tag : job.spec.tags) {
    auto& tagged = to.statement("INSERT OR IGNORE INTO job_tag (tag, job) VALUES (?1, ?2)");
    tagged.bind(1, tag);
    tagged.bind(2, job.id.str());
    tagged.exec();
  }
  // As the migration writes them. A line break keeps a search from matching across two of them.
  auto& row = to.statement("INSERT OR REPLACE INTO job_words (job, words) VALUES (?1, lower(?2))");
  row.bind(1, job.id.str());
  row.bind(2, fmt::format("{}\n{}\n{}\n{}\n{}", job.id.str(), job.spec.name, job.spec.blend_name, job.owner,
                          fmt::join(job.spec.tags, "\n")));
  row.exec();
}

std::vector<job_record> list_jobs(connection& from, const job_filter& f) {
  const bool is_by_state = f.tag.empty() && f.owner.empty() && f.words.empty() && f.states.size() > 1;
  if (!is_by_state)
    return read_page(from, f);
  std::vector<job_record> found; // the index has the order within one state only
  auto one = f;
  for (const auto state : f.states) {
    one.states = {state};
    auto more = read_page(from, one);
    std::ranges::move(more, std::back_inserter(found));
  }
  std::ranges::sort(found, [&f](const job_record& a, const job_record& b) {
    return f.oldest_first ? a.id < b.id : b.id < a.id;
  });
  found.resize(std::min(found.size(), f.limit));
  return found;
}

job_counts count_jobs(connection& from, const std::string& owner) {
  auto& rows =
      from.statement("SELECT state, sum(jobs) FROM job_count WHERE ?1 = '' OR owner = ?1 GROUP BY state");
  rows.bind(1, owner);
  job_counts found;
  while (rows.executeStep()) {
    const auto state = domain::parse_job_state(rows.getColumn(0).getString());
    if (!state)
      throw unreadable_row("job_count has the state " + rows.getColumn(0).getString());
    found[*state] = static_cast<std::size_t>(rows.getColumn(1).getInt64());
  }
  return found;
}

std::vector<statistics_row> sum_up_jobs(connection& from, const statistics_wish& wish) {
  constexpr std::int64_t day_ms = 86'400'000;
  auto& rows = from.statement(
      "SELECT CASE WHEN ?4 THEN 0 ELSE finished_ms / ?5 END AS day, CASE WHEN ?4 THEN coalesce(owner, '') "
      "ELSE '' END AS whose, state, count(*), sum(frames_done), sum(render_seconds) FROM job "
      "WHERE finished_ms >= ?1 AND finished_ms < ?2 AND (?3 = '' OR owner = ?3) "
      "GROUP BY day, whose, state ORDER BY day, whose");
  rows.bind(1, wish.from_day * day_ms);
  rows.bind(2, (wish.to_day + 1) * day_ms);
  rows.bind(3, wish.owner);
  rows.bind(4, wish.is_by_owner ? 1 : 0);
  rows.bind(5, day_ms);
  std::vector<statistics_row> found;
  while (rows.executeStep()) {
    const auto day = rows.getColumn(0).getInt64();
    const auto owner = rows.getColumn(1).getString();
    const auto state = domain::parse_job_state(rows.getColumn(2).getString());
    if (!state)
      throw unreadable_row("job has the state " + rows.getColumn(2).getString());
    if (found.empty() || found.back().day != day || found.back().owner != owner)
      found.push_back({.day = day, .owner = owner});
    auto& row = found.back();
    row.jobs[*state] = static_cast<std::size_t>(rows.getColumn(3).getInt64());
    row.frames += static_cast<std::uint64_t>(rows.getColumn(4).getInt64());
    row.render_seconds += rows.getColumn(5).getDouble();
  }
  return found;
}

frame_states read_frame_states(connection& from, const job_id& job) {
  auto& rows = from.statement("SELECT frame, state = 'done', state = 'failed', seconds FROM frame "
                              "WHERE job = ?1 ORDER BY frame");
  rows.bind(1, job.str());
  frame_states found;
  while (rows.executeStep()) {
    const int frame = rows.getColumn(0).getInt();
    if (rows.getColumn(1).getInt() != 0) {
      found.done.add(frame);
      found.seconds.emplace_back(frame, static_cast<float>(rows.getColumn(3).getDouble()));
    } else if (rows.getColumn(2).getInt() != 0) {
      found.failed.add(frame);
    }
  }
  return found;
}

} // namespace kiln::store

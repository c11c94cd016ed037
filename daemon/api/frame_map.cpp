// SPDX-License-Identifier: Apache-2.0
#include "api/frame_map.hpp"

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <string_view>
#include <vector>

namespace kiln::api {
namespace {

namespace json = boost::json;

constexpr std::size_t most_runs = 1000;
constexpr std::size_t most_bins = 100;
constexpr std::array<std::string_view, 4> states_by_number{"pending", "rendering", "done", "failed"};

/// Whether frames are in a set, asked for in ascending order: each step is cheap.
class membership {
public:
  explicit membership(const domain::frame_set& in) : at_(in.begin()), end_(in.end()) {}
  bool has(int frame) {
    while (at_ != end_ && *at_ < frame)
      ++at_;
    return at_ != end_ && *at_ == frame;
  }

private:
  domain::frame_set::iterator at_, end_;
};

struct bin {
  int first = 0;
  int last = 0;
  std::array<std::size_t, states_by_number.size()> counts{};
  std::vector<float> seconds = {};
};

std::string format_range(int first, int last) {
  return first == last ? fmt::format("{}", first) : fmt::format("{}-{}", first, last);
}

json::value median(std::vector<float>& of) {
  if (of.empty())
    return nullptr;
  const auto middle = of.begin() + static_cast<std::ptrdiff_t>(of.size() / 2);
  std::nth_element(of.begin(), middle, of.end());
  return std::round(static_cast<double>(*middle) * 1000) / 1000;
}

json::object format_bin(bin& of) {
  json::object out{{"frames", format_range(of.first, of.last)}};
  for (std::size_t i = 0; i < states_by_number.size(); ++i)
    if (of.counts[i] > 0)
      out[states_by_number[i]] = of.counts[i];
  out["median_seconds"] = median(of.seconds);
  return out;
}

} // namespace

json::object format_frame_map(const domain::frame_set& all, const store::frame_states& now,
                              const domain::frame_set& rendering) {
  const auto total = all.size();
  const auto per_bin = std::max<std::size_t>(1, (total + most_bins - 1) / most_bins);
  membership done{now.done}, failed{now.failed}, renders{rendering};
  std::vector<bin> bins;
  json::array runs;
  std::size_t begun = 0; // runs
  std::size_t state = states_by_number.size();
  int first = 0, last = 0;
  const auto end_run = [&] {
    if (begun > 0 && begun <= most_runs)
      runs.push_back(json::array{format_range(first, last), states_by_number[state]});
  };
  std::size_t position = 0;
  for (const int frame : all) {
    const std::size_t is = done.has(frame) ? 2 : failed.has(frame) ? 3 : renders.has(frame) ? 1 : 0;
    if (is != state) {
      end_run();
      ++begun;
      first = frame;
      state = is;
    }
    last = frame;
    if (position++ % per_bin == 0)
      bins.push_back({.first = frame});
    bins.back().last = frame;
    ++bins.back().counts[is];
  }
  end_run();
  for (const auto& [frame, seconds] : now.seconds) {
    const auto after = std::ranges::upper_bound(bins, frame, {}, &bin::first);
    if (after != bins.begin())
      std::prev(after)->seconds.push_back(seconds);
  }
  json::array listed;
  for (auto& one : bins)
    listed.push_back(format_bin(one));
  json::object out;
  out["total"] = total;
  out["runs"] = begun > most_runs ? json::value(nullptr) : json::value(std::move(runs));
  out["bins"] = std::move(listed);
  return out;
}

} // namespace kiln::api

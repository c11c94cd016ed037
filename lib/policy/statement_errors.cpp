// SPDX-License-Identifier: Apache-2.0
#include "policy/statement_errors.hpp"

#include "policy/seconds.hpp"

#include <algorithm>
#include <cmath>

namespace kiln::policy {
namespace {

/// Cycles (integrator.cpp) checks no pixel before some 50 samples are done, so with adaptive sampling a frame
/// does not end in its first part; after that it may end at any moment.
bool may_end_now(double fraction) {
  constexpr double first_part = 1.0 / 8;
  return fraction >= first_part;
}

/// The prior before any frame is measured, from the recordings of tests/benchmark/traces.
double expected_mean(double fraction, statement_kind kind) {
  switch (kind) {
  case statement_kind::plain:
    return 0;
  case statement_kind::tiles:
    return -0.4 - fraction;
  case statement_kind::bound:
    return may_end_now(fraction) ? -2 : -1.6;
  }
  return 0;
}

double expected_deviation(double fraction, statement_kind kind) {
  switch (kind) {
  case statement_kind::plain:
    return 0.3;
  case statement_kind::tiles:
    return 0.45;
  case statement_kind::bound:
    return may_end_now(fraction) ? 1 : 0.6;
  }
  return 1;
}

double sane_fraction(double fraction) {
  return fraction > 0 ? std::min(fraction, 1.0) : 0;
}

} // namespace

std::size_t statement_errors::part_of(double fraction) noexcept {
  return std::min(parts - 1, static_cast<std::size_t>(sane_fraction(fraction) * double(parts)));
}

void statement_errors::note(double fraction, double stated, double real) noexcept {
  constexpr double least = 0.05; // seconds: below that, the clock of the log is too coarse
  constexpr double keep = 0.8;   // the last five frames or so
  const double error = std::log((sane_seconds(real) + least) / (sane_seconds(stated) + least));
  auto& [weight, errors, squares] = sums_[part_of(fraction)];
  weight = keep * weight + 1;
  errors = keep * errors + error;
  squares = keep * squares + error * error;
}

/// Neighbouring parts count too, less with distance.
statement_errors::sums statement_errors::near(double fraction) const noexcept {
  constexpr double fall = 0.25;
  const auto part = part_of(fraction);
  sums all;
  for (std::size_t i = 0; i < parts; ++i) {
    const double share = std::pow(fall, static_cast<double>(i > part ? i - part : part - i));
    all.weight += share * sums_[i].weight;
    all.errors += share * sums_[i].errors;
    all.squares += share * sums_[i].squares;
  }
  return all;
}

double statement_errors::mean(double fraction, statement_kind kind) const noexcept {
  constexpr double expected_weight = 1; // frames that it takes to outweigh what is expected
  const auto seen = near(fraction);
  return (seen.errors + expected_weight * expected_mean(sane_fraction(fraction), kind)) /
         (seen.weight + expected_weight);
}

double statement_errors::deviation(double fraction, statement_kind kind) const noexcept {
  constexpr double expected_weight = 3;
  const auto seen = near(fraction);
  const double mean_error = mean(fraction, kind);
  const double expected = expected_deviation(sane_fraction(fraction), kind);
  const double scatter =
      std::max(0.0, seen.squares - 2 * mean_error * seen.errors + seen.weight * mean_error * mean_error);
  return std::sqrt((scatter + expected_weight * expected * expected) / (seen.weight + expected_weight));
}

} // namespace kiln::policy

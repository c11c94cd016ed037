// SPDX-License-Identifier: Apache-2.0
#include "api/job_json.hpp"
#include "api/strict_json.hpp"
#include "check.hpp"
#include "domain/frame_set.hpp"
#include "domain/spec_json.hpp"

#include <boost/json/serialize.hpp>

#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kiln;
  const auto text = as_text(data, size);
  const auto frames = api::parse_frame_range(text);
  const auto value = api::parse_strict_json(text);
  if (frames) {
    KILN_HOLDS(value && value->is_object());
    KILN_HOLDS(!frames->empty() && frames->front() >= domain::min_frame &&
               frames->back() <= domain::max_frame);
    KILN_HOLDS(frames->size() == static_cast<std::size_t>(frames->back() - frames->front()) + 1);
  } else {
    KILN_HOLDS(frames.error().code == errc::invalid_input && frames.error().message.size() < 500);
  }
  if (value) { // what is accepted can be said again (decimals of many digits only nearly)
    const auto again = api::parse_strict_json(boost::json::serialize(*value));
    KILN_HOLDS(again && again->kind() == value->kind());
  }
  auto job = api::parse_job(text, 0);
  if (auto* spec = std::get_if<domain::job_spec>(&job)) {
    if (spec->frames.empty()) { // left out: they are the file's, and known before a job is stored
      KILN_HOLDS(spec->settings.frames_of_file);
      spec->frames = domain::frame_set::of({1, 2, 3});
    }
    (void)domain::check_job(*spec, {});
    const auto same = domain::parse_spec(domain::format_spec(*spec), text.size() + 2'000'000);
    KILN_HOLDS(std::holds_alternative<domain::job_spec>(same) && std::get<domain::job_spec>(same) == *spec);
  } else {
    KILN_HOLDS(!std::get<std::vector<domain::field_error>>(job).empty());
  }
  (void)api::parse_patch(text);
  return 0;
}

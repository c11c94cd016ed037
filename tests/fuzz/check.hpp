// SPDX-License-Identifier: Apache-2.0
//
// What must hold for every input; libFuzzer keeps the input for which it does not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#define KILN_HOLDS(condition)                                                                                \
  do                                                                                                         \
    if (!(condition)) {                                                                                      \
      std::fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);                    \
      std::abort();                                                                                          \
    }                                                                                                        \
  while (false)

inline std::string_view as_text(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

# SPDX-License-Identifier: Apache-2.0
# One interface target carries the language standard, the warnings and the sanitizers to every target of Kiln.

option(KILN_WERROR "Treat warnings as errors (on in the presets, off for packagers)" OFF)
set(KILN_SANITIZE "" CACHE STRING "Sanitizers for every target, for instance address,undefined")
option(KILN_FUZZ "Build the libFuzzer targets (needs clang)" OFF)
option(KILN_TESTS "Build the tests" ON)
option(KILN_BENCHMARKS "Build the benchmarks" ON)

add_library(kiln_options INTERFACE)
target_compile_features(kiln_options INTERFACE cxx_std_20)
target_include_directories(kiln_options INTERFACE ${PROJECT_SOURCE_DIR}/lib ${PROJECT_SOURCE_DIR}/daemon)
target_compile_options(kiln_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wold-style-cast -Woverloaded-virtual
  $<$<BOOL:${KILN_WERROR}>:-Werror>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 reports these falsely inside coroutines and std::string at -O2.
  target_compile_options(kiln_options INTERFACE -fcoroutines -Wno-maybe-uninitialized -Wno-restrict -Wno-dangling-pointer -Wno-mismatched-new-delete)
endif()
# Small programs: what nobody calls stays out, and what is shipped is compiled for size, but for the folders that call
# kiln_fast() (docs/performance.md, Size): with the rest at -O2 as well kilnd is 1.5 MB larger and no faster.
target_compile_options(kiln_options INTERFACE -ffunction-sections -fdata-sections $<$<CONFIG:Release>:$<IF:$<BOOL:$<TARGET_PROPERTY:KILN_FAST>>,-O2,-Os>>)
target_link_options(kiln_options INTERFACE LINKER:--gc-sections LINKER:-z,pack-relative-relocs)

# Several source files of a folder are compiled as one, with the headers that most of them include precompiled
# (docs/decisions/0023). For builds from nothing; a build that goes on compiles more than what has changed, and would not notice
# that a file lacks an include.
option(KILN_UNIT_TESTS "Build tests/unit" ON)
option(KILN_UNITY "Compile source files together, with precompiled headers (for builds from nothing)" OFF)
if(KILN_UNITY)
  set(CMAKE_UNITY_BUILD ON)
  set(CMAKE_UNITY_BUILD_BATCH_SIZE 8)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # What these find between files that are compiled together is no fault, and files by themselves are searched in other builds.
    target_compile_options(kiln_options INTERFACE -Wno-subobject-linkage -Wno-shadow)
  endif()
endif()

if(KILN_SANITIZE)
  target_compile_options(kiln_options INTERFACE -fsanitize=${KILN_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(kiln_options INTERFACE -fsanitize=${KILN_SANITIZE})
endif()
if(KILN_FUZZ)
  target_compile_options(kiln_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

find_program(KILN_CCACHE ccache)
if(KILN_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER
    ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
    CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=true # work trees share what they compile
    ${KILN_CCACHE})
endif()

# SPDX-License-Identifier: Apache-2.0

# kiln_library(NAME SOURCES a.cpp ... [DEPENDS kiln::x Boost::y ...])
# One static library for the folder that calls it, known to others as kiln::NAME.
function(kiln_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPENDS" ${ARGN})
  add_library(kiln_${name} STATIC ${arg_SOURCES})
  add_library(kiln::${name} ALIAS kiln_${name})
  target_link_libraries(kiln_${name} PUBLIC kiln_options ${arg_DEPENDS})
endfunction()

# kiln_fast(NAME): the folder is compiled for speed where others are compiled for size. For what each request or each byte
# passes through.
# kiln_fast(NAME BUT FILE ...): without these files, which run once or seldom.
function(kiln_fast name)
  cmake_parse_arguments(arg "" "" "BUT" ${ARGN})
  set_target_properties(kiln_${name} PROPERTIES KILN_FAST ON)
  set_source_files_properties(${arg_BUT} PROPERTIES COMPILE_OPTIONS "$<$<CONFIG:Release>:-Os>") # stands behind the target's
endfunction()

# kiln_small(NAME): the folder is compiled for size in every build but the sanitized ones, since what it touches counts as
# memory at rest, which the tests of the dev preset measure.
function(kiln_small name)
  if(NOT KILN_SANITIZE)
    target_compile_options(kiln_${name} PRIVATE -Os)
  endif()
endfunction()

# kiln_test(NAME SOURCES a_test.cpp ... [DEPENDS kiln::x ...] [LABEL unit])
# One GoogleTest program, registered test by test with ctest.
function(kiln_test name)
  cmake_parse_arguments(arg "" "LABEL" "SOURCES;DEPENDS" ${ARGN})
  if(NOT arg_LABEL)
    set(arg_LABEL unit)
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE kiln_options ${arg_DEPENDS} GTest::gtest_main GTest::gmock)
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS ${arg_LABEL} TIMEOUT 300)
endfunction()

# SPDX-License-Identifier: Apache-2.0

# kiln_library(NAME SOURCES a.cpp ... [DEPENDS kiln::x Boost::y ...])
# One static library for the folder that calls it, known to others as kiln::NAME.
function(kiln_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPENDS" ${ARGN})
  add_library(kiln_${name} STATIC ${arg_SOURCES})
  add_library(kiln::${name} ALIAS kiln_${name})
  target_link_libraries(kiln_${name} PUBLIC kiln_options ${arg_DEPENDS})
  # At the end of the folder's CMakeLists.txt, when it is known how the folder is compiled.
  cmake_language(EVAL CODE "cmake_language(DEFER CALL kiln_use_precompiled kiln_${name} ${arg_DEPENDS})")
endfunction()

# kiln_fast(NAME): the folder is compiled for speed where others are compiled for size. For what each request or each byte
# passes through.
# kiln_fast(NAME BUT FILE ...): without these files, which run once or seldom.
function(kiln_fast name)
  cmake_parse_arguments(arg "" "" "BUT" ${ARGN})
  if(NOT CMAKE_BUILD_TYPE STREQUAL "Release")
    return()
  endif()
  set(fast kiln_${name})
  if(arg_BUT) # two kinds of files, so a target for each: what is compiled together has the same options
    set(fast kiln_${name}_fast)
    get_target_property(sources kiln_${name} SOURCES)
    get_target_property(libraries kiln_${name} LINK_LIBRARIES)
    list(REMOVE_ITEM sources ${arg_BUT})
    add_library(${fast} OBJECT ${sources})
    target_link_libraries(${fast} PRIVATE ${libraries})
    target_compile_definitions(${fast} PRIVATE $<TARGET_PROPERTY:kiln_${name},COMPILE_DEFINITIONS>)
    set_target_properties(kiln_${name} PROPERTIES SOURCES "${arg_BUT}")
    target_sources(kiln_${name} PRIVATE $<TARGET_OBJECTS:${fast}>)
  endif()
  set_target_properties(${fast} PROPERTIES KILN_FAST ON)
endfunction()

# kiln_small(NAME): the folder is compiled for size in every build but the sanitized ones, since what it touches counts as
# memory at rest, which the tests of the dev preset measure.
function(kiln_small name)
  if(NOT KILN_SANITIZE)
    target_compile_options(kiln_${name} PRIVATE -Os)
    set_target_properties(kiln_${name} PROPERTIES KILN_SMALL ON)
  endif()
endfunction()

# kiln_precompiled_headers(NAME HEADER OPTION ...): the target NAME, whose HEADER is compiled once, with these options.
function(kiln_precompiled_headers name header)
  file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp "")
  add_library(${name} OBJECT EXCLUDE_FROM_ALL ${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp)
  target_link_libraries(${name} PRIVATE kiln_options kiln::aio Boost::json)
  target_compile_options(${name} PRIVATE ${ARGN})
  target_precompile_headers(${name} PRIVATE ${header})
endfunction()

# kiln_use_precompiled(TARGET DEPENDENCY ...): in builds with KILN_UNITY, for what includes Asio, which is what depends on kiln::aio.
function(kiln_use_precompiled target)
  foreach(library ${ARGN})
    set(uses_asio OFF)
    if(library STREQUAL "kiln::aio")
      set(uses_asio ON)
    elseif(TARGET ${library})
      get_target_property(uses_asio ${library} KILN_ASIO)
    endif()
    if(uses_asio)
      set_target_properties(${target} PROPERTIES KILN_ASIO ON)
      break()
    endif()
  endforeach()
  get_target_property(is_fast ${target} KILN_FAST)
  get_target_property(is_small ${target} KILN_SMALL)
  if(NOT KILN_UNITY OR NOT uses_asio OR is_fast)
    return()
  elseif(is_small AND NOT CMAKE_BUILD_TYPE STREQUAL "Release") # which compiles all of them for size
    set(precompiled kiln_precompiled_small)
  else()
    set(precompiled kiln_precompiled)
  endif()
  target_link_libraries(${target} PRIVATE Boost::json) # whose macros must be those of the precompiled header
  target_precompile_headers(${target} REUSE_FROM ${precompiled})
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
  kiln_use_precompiled(${name} ${arg_DEPENDS})
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS ${arg_LABEL} TIMEOUT 300)
endfunction()

# module(NAME [DEPS module...] [LIBS library...])
#
# A folder of src/ is one library, one namespace and one row of the layer table. DEPS is the whole
# truth about what NAME may include; tools/check_layers.py holds the sources to it.
#
#   x.h x.cpp      the code       -> library NAME
#   x_test.cpp     its tests      -> program NAME_test   (ctest)
#   x_bench.cpp    its benchmarks -> program NAME_bench  (WEFT_BENCH)
#   x_fuzz.cpp     its fuzzing    -> program x_fuzz      (WEFT_FUZZ)
#
# One precompiled header serves every module, a second one every test: the standard library and
# googletest cost more than most of our files.
set(WEFT_TEST_LABELS unit)
file(WRITE ${CMAKE_BINARY_DIR}/pch.cpp "")
add_library(pch STATIC ${CMAKE_BINARY_DIR}/pch.cpp)
target_link_libraries(pch PUBLIC options)
target_precompile_headers(pch PRIVATE <algorithm> <cstdint> <functional> <map> <memory> <optional>
  <span> <string> <string_view> <unordered_map> <utility> <variant> <vector>)
if(WEFT_TESTS)
  find_package(GTest REQUIRED)
  add_library(pch_test STATIC ${CMAKE_BINARY_DIR}/pch.cpp)
  target_link_libraries(pch_test PUBLIC options GTest::gtest)
  target_precompile_headers(pch_test PRIVATE <algorithm> <map> <memory> <optional> <span> <string> <vector> <gtest/gtest.h>)
endif()

function(module name)
  cmake_parse_arguments(arg "" "" "DEPS;LIBS" ${ARGN})
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.h)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp ${CMAKE_CURRENT_SOURCE_DIR}/*.S)
  foreach(kind test bench fuzz)
    set(${kind}s ${sources})
    list(FILTER ${kind}s INCLUDE REGEX "_${kind}\\.cpp$")
    list(FILTER sources EXCLUDE REGEX "_${kind}\\.cpp$")
  endforeach()

  add_library(${name} STATIC ${sources})
  set_target_properties(${name} PROPERTIES LINKER_LANGUAGE CXX)
  target_sources(${name} PUBLIC FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR}/src FILES ${headers})
  target_link_libraries(${name} PUBLIC options ${arg_DEPS} PRIVATE ${arg_LIBS})
  target_precompile_headers(${name} REUSE_FROM pch)

  if(tests AND WEFT_TESTS)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE ${name} ${arg_LIBS} GTest::gtest GTest::gtest_main)
    target_precompile_headers(${name}_test REUSE_FROM pch_test)
    add_test(NAME ${name} COMMAND ${name}_test WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    set_tests_properties(${name} PROPERTIES LABELS unit)
  endif()
  if(benchs AND WEFT_BENCH)
    find_package(benchmark REQUIRED)
    add_executable(${name}_bench ${benchs})
    target_link_libraries(${name}_bench PRIVATE ${name} ${arg_LIBS} benchmark::benchmark_main)
  endif()
  if(WEFT_FUZZ)
    foreach(source ${fuzzs})
      get_filename_component(fuzzer ${source} NAME_WE)
      add_executable(${fuzzer} ${source})
      target_link_libraries(${fuzzer} PRIVATE ${name} ${arg_LIBS})
      target_link_options(${fuzzer} PRIVATE -fsanitize=fuzzer)
      set_target_properties(${fuzzer} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
    endforeach()
  endif()
endfunction()

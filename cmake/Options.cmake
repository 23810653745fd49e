# How every target of this project is compiled. Nothing here changes behaviour: only language
# level, diagnostics, instrumentation and speed.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
add_compile_options(-pthread -fPIE) # the same for libraries and programs, so that they share precompiled headers
set(CMAKE_CXX_SCAN_FOR_MODULES OFF)

set(WEFT_SANITIZE "" CACHE STRING "address;undefined or thread")

add_library(options INTERFACE)
target_include_directories(options INTERFACE ${PROJECT_SOURCE_DIR}/src)
target_compile_options(options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor
  -Woverloaded-virtual -Wextra-semi -Wcast-align -Wformat=2 -Wundef -Werror
  $<$<CXX_COMPILER_ID:GNU>:-Wsuggest-override -Wduplicated-cond -Wlogical-op -Wno-restrict> # GCC 12: false -Wrestrict
  $<$<CXX_COMPILER_ID:Clang>:-Wno-gnu-statement-expression-from-macro-expansion -Wno-missing-field-initializers>
  -march=x86-64-v2)
# ccache can only reuse a precompiled header whose bytes do not carry the time of its making.
add_compile_options("$<$<AND:$<COMPILE_LANGUAGE:CXX>,$<CXX_COMPILER_ID:Clang>>:SHELL:-Xclang -fno-pch-timestamp>")
target_compile_definitions(options INTERFACE $<$<CONFIG:Debug>:_GLIBCXX_ASSERTIONS>)

if(WEFT_SANITIZE)
  string(REPLACE ";" "," sanitizers "${WEFT_SANITIZE}")
  target_compile_options(options INTERFACE -fsanitize=${sanitizers} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(options INTERFACE -fsanitize=${sanitizers})
endif()

foreach(linker mold lld) # the first one found
  find_program(WEFT_LINKER_${linker} ld.${linker})
  if(WEFT_LINKER_${linker})
    target_link_options(options INTERFACE -fuse-ld=${linker})
    break()
  endif()
endforeach()

find_package(Threads REQUIRED)
target_link_libraries(options INTERFACE Threads::Threads)

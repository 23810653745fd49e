#include "app/commands.h"

#include <cstdio>

namespace weft::app {

int run(int argc, char**) {
  std::fprintf(stderr, "weft: no command yet (%d arguments)\n", argc);
  return 2;
}

}  // namespace weft::app

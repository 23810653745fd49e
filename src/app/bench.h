#pragma once

#include <string>
#include <vector>

namespace weft::app {

// `weft bench`: sends the standard load (app/load_generator.h) to a server, its own or a running
// one, and reports what that cost. `args` are what follows the command's name. Returns the exit
// status: 0 done, 1 failed or a gate was not held, 2 wrong usage.
int bench(const std::vector<std::string>& args);

}  // namespace weft::app

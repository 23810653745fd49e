#pragma once

#include <string>
#include <vector>

namespace weft::app {

// `weft serve`: one process for everything, until SIGTERM or SIGINT. Returns the exit status.
int serve(const std::vector<std::string>& args);

}  // namespace weft::app

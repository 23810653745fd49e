#pragma once

#include <string>
#include <vector>

namespace weft::app {

// `weft demo`: plays a small shop (app/shop.h) through the OTLP and Loki ports of a server. `args`
// are what follows the command's name. Returns the exit status: 0 done, 1 the server did not take
// it, 2 wrong usage. Ends early, with 0, at SIGINT and SIGTERM.
int demo(const std::vector<std::string>& args);

}  // namespace weft::app

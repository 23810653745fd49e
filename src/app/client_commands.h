#pragma once

#include <string>
#include <vector>

// Commands that ask a running server. `args` are what follows the command's name. All return the
// exit status: 0 done, 1 the server did not answer or refused, 2 wrong usage. --help says more.

namespace weft::app {

// `weft query '{app="x"} |= "y"' --since=1h`: lines of a log query, series of a metric query.
int query(const std::vector<std::string>& args);

// `weft tail '{app="x"}'`: the newest lines and then every new one, until Ctrl-C.
int tail(const std::vector<std::string>& args);

// `weft trace <id>`: the trace as a waterfall, with the logs of each span below it.
int trace(const std::vector<std::string>& args);

}  // namespace weft::app

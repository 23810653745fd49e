#pragma once

namespace weft::app {

// Runs the subcommand that the arguments name (or that the program's own name implies: tempo, loki,
// promtail). Returns the exit status: 0 done, 1 failed, 2 wrong usage.
int run(int argc, char** argv);

}  // namespace weft::app

#pragma once

#include <string>
#include <vector>

#include "base/file_system.h"
#include "config/load.h"

namespace weft::app {

// `weft check-config FILE...`: says on standard output whose files these are, what each key does here
// or why it does nothing, and what weft would do with them together; problems with their place.
// `args` are what follows the command's name; flags of `weft serve` are taken into account. Returns
// the exit status: 0 good, 1 problems, 2 wrong usage.
int check_config(const std::vector<std::string>& args);

// The same with everything given: the explanation is appended to `out`.
int check_config(const std::vector<std::string>& args, const config::Environment& environment,
                 FileSystem& files, std::string& out);

}  // namespace weft::app

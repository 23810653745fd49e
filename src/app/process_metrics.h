#pragma once

#include "base/metrics.h"

namespace weft::app {

// What every Prometheus client shows about its process (process_cpu_seconds_total,
// process_resident_memory_bytes, process_open_fds, process_start_time_seconds), weft_build_info,
// and weft_log_lines_total{level}.
void register_process_metrics(Registry& registry);

}  // namespace weft::app

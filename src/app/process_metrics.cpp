#include "app/process_metrics.h"

#include <dirent.h>
#include <unistd.h>

#include <cstdio>

#include "app/version.h"
#include "base/clock.h"
#include "base/log.h"

namespace weft::app {
namespace {

double resident_bytes() {
  FILE* file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr) return 0;
  long total = 0, resident = 0;
  int read = std::fscanf(file, "%ld %ld", &total, &resident);
  std::fclose(file);
  return read == 2 ? static_cast<double>(resident) * static_cast<double>(::sysconf(_SC_PAGESIZE)) : 0;
}

double open_files() {
  DIR* dir = ::opendir("/proc/self/fd");
  if (dir == nullptr) return 0;
  int n = 0;
  while (::readdir(dir) != nullptr) ++n;
  ::closedir(dir);
  return n - 3;  // ".", ".." and the directory itself
}

}  // namespace

void register_process_metrics(Registry& registry) {
  registry.gauge_function("process_cpu_seconds_total", "User and system CPU time used.",
                          [] { return static_cast<double>(process_cpu_ns()) / 1e9; });
  registry.gauge_function("process_resident_memory_bytes", "Resident memory.", resident_bytes);
  registry.gauge_function("process_open_fds", "Open file descriptors.", open_files);
  registry.gauge("process_start_time_seconds", "Start of the process, seconds since 1970.")
      .set(static_cast<double>(SystemClock().now_ns()) / 1e9);
  registry.gauge("weft_build_info", "1, labelled with what was built.",
                 {{"version", version()}, {"revision", revision()}}).set(1);
  constexpr std::pair<const char*, LogLevel> kLevels[] = {
      {"debug", LogLevel::debug}, {"info", LogLevel::info}, {"warn", LogLevel::warn}, {"error", LogLevel::error}};
  for (auto [name, level] : kLevels)
    registry.gauge_function("weft_log_lines_total", "Lines weft wrote to its own log.",
                            [which = level] { return static_cast<double>(log_lines(which)); }, {{"level", name}});
}

}  // namespace weft::app

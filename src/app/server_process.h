#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/result.h"

namespace weft::app {

// What the kernel says about a process.
struct ProcessUsage {
  double cpu_seconds = 0;  // user and system, all threads
  double resident_bytes = 0;
  double resident_bytes_peak = 0;  // 0: not known
};

// From /proc/<pid>. Errors: not_found when there is no such process.
Result<ProcessUsage> usage_of_process(pid_t pid);
// From process_cpu_seconds_total and process_resident_memory_bytes in Prometheus' text format.
Result<ProcessUsage> usage_from_metrics(const std::string& text);

// A `weft serve` of this same binary as a child, on free ports of 127.0.0.1, with its log in
// <directory>/server.log and its data in <directory>/data. It ends with its parent. One thread.
class ServerProcess {
 public:
  explicit ServerProcess(std::string directory) : directory_(std::move(directory)) {}
  ~ServerProcess();  // kill()
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  // Starts it and waits for /ready. Returns how long that took in ns. Requires that it does not
  // run. Errors: unavailable with the end of its log.
  Result<std::int64_t> start(const std::vector<std::string>& flags);
  void kill();                       // SIGKILL, and waits for its end
  Result<void> stop();               // SIGTERM, and waits. Errors: an exit status other than 0.
  std::string log_text() const;      // what it wrote since the last start
  std::uint64_t data_bytes() const;  // size of all its files

  pid_t pid() const { return pid_; }
  std::string http_url() const { return url(http_port_); }
  std::string otlp_http_url() const { return url(otlp_http_port_); }
  std::string otlp_grpc_url() const { return url(otlp_grpc_port_); }

 private:
  static std::string url(int port) { return "http://127.0.0.1:" + std::to_string(port); }

  std::string directory_;
  pid_t pid_ = -1;
  int http_port_ = 0, otlp_http_port_ = 0, otlp_grpc_port_ = 0;
};

}  // namespace weft::app

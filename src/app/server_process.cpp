#include "app/server_process.h"

#include <array>
#include <charconv>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "model/time.h"
#include "net/client.h"
#include "text/units.h"

namespace weft::app {

namespace {

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return std::move(text).str();
}

// Ports that nobody has at this moment; all are held until the last is found, so they differ.
Result<std::array<int, 3>> free_ports() {
  std::array<int, 3> sockets{}, ports{};
  bool good = true;
  for (std::size_t i = 0; i < ports.size(); ++i) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    sockets[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    good = good && bind(sockets[i], generic, size) == 0 && getsockname(sockets[i], generic, &size) == 0;
    ports[i] = ntohs(address.sin_port);
  }
  for (const int s : sockets) close(s);
  if (!good) return Error(Code::unavailable, "no free port on 127.0.0.1");
  return ports;
}

std::string last_lines(const std::string& text, std::size_t lines) {
  std::size_t at = text.size();
  while (lines > 0 && at > 0) {
    at = text.rfind('\n', at - 1);
    if (at == std::string::npos) return text;
    --lines;
  }
  return text.substr(at);
}

}  // namespace

Result<ProcessUsage> usage_of_process(pid_t pid) {
  const std::string stat = read_file(fmt::format("/proc/{}/stat", pid));
  // Fields 14 and 15 count from the one after the name, which may hold spaces and brackets.
  const std::size_t after_name = stat.rfind(')');
  if (after_name == std::string::npos)
    return Error(Code::not_found, fmt::format("there is no process {}", pid));
  std::istringstream fields(stat.substr(after_name + 1));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  double user = 0, system = 0;
  fields >> user >> system;
  ProcessUsage usage{.cpu_seconds = (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK))};
  std::istringstream status(read_file(fmt::format("/proc/{}/status", pid)));
  for (std::string line; std::getline(status, line);) {
    double kib = 0;
    std::istringstream value(line.substr(std::min<std::size_t>(6, line.size())));
    if (line.starts_with("VmRSS:") && value >> kib) usage.resident_bytes = kib * 1024;
    if (line.starts_with("VmHWM:") && value >> kib) usage.resident_bytes_peak = kib * 1024;
  }
  return usage;
}

Result<ProcessUsage> usage_from_metrics(const std::string& text) {
  ProcessUsage usage;
  int found = 0;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    for (const auto& [name, value] :
         {std::pair{std::string_view("process_cpu_seconds_total "), &usage.cpu_seconds},
          std::pair{std::string_view("process_resident_memory_bytes "), &usage.resident_bytes}}) {
      if (!line.starts_with(name)) continue;
      *value = TRY(text::parse_float(std::string_view(line).substr(name.size())));
      ++found;
    }
  }
  if (found != 2)
    return Error(Code::not_found,
                 "/metrics has no process_cpu_seconds_total or no process_resident_memory_bytes; use --pid");
  return usage;
}

ServerProcess::~ServerProcess() {
  kill();
}

Result<std::int64_t> ServerProcess::start(const std::vector<std::string>& flags) {
  CHECK(pid_ < 0);
  const std::array<int, 3> ports = TRY(free_ports());
  http_port_ = ports[0];
  otlp_http_port_ = ports[1];
  otlp_grpc_port_ = ports[2];
  std::vector<std::string> args{"weft",
                                "serve",
                                fmt::format("--http.port={}", http_port_),
                                fmt::format("--otlp.http-port={}", otlp_http_port_),
                                fmt::format("--otlp.grpc-port={}", otlp_grpc_port_),
                                fmt::format("--storage.path={}/data", directory_)};
  args.insert(args.end(), flags.begin(), flags.end());
  std::vector<char*> pointers;
  for (std::string& arg : args) pointers.push_back(arg.data());
  pointers.push_back(nullptr);
  const std::string log_path = directory_ + "/server.log";

  const std::int64_t begin_ns = steady_ns();
  pid_ = fork();
  if (pid_ < 0) return Error(Code::unavailable, "fork failed");
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);  // the server is of no use without us
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    const int log = open(log_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    execv("/proc/self/exe", pointers.data());
    _exit(127);
  }
  net::Client client;
  constexpr std::int64_t kPatienceNs = 120 * kNsPerSecond;
  while (steady_ns() - begin_ns < kPatienceNs) {
    if (waitpid(pid_, nullptr, WNOHANG) == pid_) {
      pid_ = -1;
      return Error(Code::unavailable, "the server ended at once:" + last_lines(log_text(), 15));
    }
    const Result<net::ClientResponse> ready =
        client.send({.url = http_url() + "/ready", .timeout_ns = kNsPerSecond});
    if (ready && ready->status == 200) return steady_ns() - begin_ns;
    poll(nullptr, 0, 5);
  }
  kill();
  return Error(Code::unavailable, "the server was not ready after two minutes:" + last_lines(log_text(), 15));
}

void ServerProcess::kill() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

Result<void> ServerProcess::stop() {
  if (pid_ < 0) return {};
  ::kill(pid_, SIGTERM);
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = -1;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  return Error(Code::internal,
               fmt::format("the server ended with status {:#x}:{}", status, last_lines(log_text(), 15)));
}

std::string ServerProcess::log_text() const {
  return read_file(directory_ + "/server.log");
}

std::uint64_t ServerProcess::data_bytes() const {
  std::uint64_t bytes = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory_ + "/data", error)) {
    if (entry.is_regular_file(error)) bytes += entry.file_size(error);
  }
  return bytes;
}

}  // namespace weft::app

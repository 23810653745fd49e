#include "app/serve.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstring>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/routes.h"
#include "app/process_metrics.h"
#include "app/settings.h"
#include "app/version.h"
#include "base/clock.h"
#include "base/log.h"

extern char** environ;

namespace weft::app {
namespace {

constexpr int kJanitorSeconds = 30;

constexpr char kHelp[] = R"(weft serve: one process for traces and logs, until Ctrl-C or SIGTERM

  weft serve                                       everything on 127.0.0.1:3100, OTLP on 4317 and 4318
  weft serve --demo                                the same with a small shop's data to look at
  weft serve --storage.path=/var/lib/weft --http.address=0.0.0.0
  weft serve -config.file=tempo.yaml -config.file=loki.yaml

Port 0 takes a free one and prints it. Every flag can also be set in weft.yaml or the environment.

)";

int fail(const Error& error) {
  std::fprintf(stderr, "weft: %s\n", error.message().c_str());
  return 1;
}

// Ctrl-C and SIGTERM are waited for by the main thread; every other thread inherits the block.
sigset_t block_stop_signals() {
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  sigaddset(&stop, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &stop, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return stop;
}

// `serve --demo`: the same binary plays the shop through the real ports, as a process of its own.
class DemoProcess {
 public:
  DemoProcess(const std::string& http, const std::string& otlp) {
    std::string url = "--url=" + http, traces = "--otlp=" + otlp;
    std::string burst = "--burst=1h", live = "--live", name = "weft", command = "demo";
    char* argv[] = {name.data(),  command.data(), url.data(), traces.data(),
                    burst.data(), live.data(),    nullptr};
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_t attributes;
    ::posix_spawnattr_init(&attributes);
    ::posix_spawnattr_setsigmask(&attributes, &none);  // ours are blocked
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    if (::posix_spawn(&pid_, "/proc/self/exe", nullptr, &attributes, argv, environ) != 0) pid_ = 0;
    ::posix_spawnattr_destroy(&attributes);
    if (pid_ == 0) LOG(warn, "the demo could not be started");
  }
  ~DemoProcess() {
    if (pid_ == 0) return;
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
  }
  DemoProcess(const DemoProcess&) = delete;
  DemoProcess& operator=(const DemoProcess&) = delete;

 private:
  pid_t pid_ = 0;
};

void log_notes(const std::vector<config::Note>& notes) {
  for (const config::Note& note : notes) {
    switch (note.level) {
      case LogLevel::debug: LOG(debug, note.text); break;
      case LogLevel::info: LOG(info, note.text); break;
      case LogLevel::warn: LOG(warn, note.text); break;
      case LogLevel::error: LOG(error, note.text); break;
    }
  }
}

Result<void> recover(storage::Store& store, ingest::Pipeline& pipeline) {
  auto report = TRY(store.recover([&](const storage::Frame& frame) { return pipeline.replay(frame); }));
  double seconds = static_cast<double>(report.duration_ns) / 1e9;
  double rate = seconds > 0 ? static_cast<double>(report.bytes) / 1e6 / seconds : 0;
  LOG(info, "recovered", {"frames", report.frames}, {"rows", report.rows}, {"bytes", report.bytes},
      {"torn_bytes", report.torn_bytes}, {"corrupted_frames", report.corrupted_frames}, {"seconds", seconds},
      {"megabytes_per_second", rate});
  if (report.corrupted_frames > 0)
    LOG(error, "acknowledged data could not be read back; what is lost is listed above",
        {"frames", report.corrupted_frames});
  return {};
}

// What is up, for people, and for scripts that asked for free ports. The last line is `ready`.
void print_addresses(const Settings& settings, const std::vector<std::unique_ptr<net::Server>>& http,
                     const net::Server* otlp_grpc, const net::Server* otlp_http) {
  std::printf("weft %s (%s)\n", version(), revision());
  for (const auto& server : http)
    std::printf("  http       http://%s:%u   Grafana: add this as a Tempo and as a Loki data source\n",
                server->address().c_str(), server->port());
  if (otlp_grpc != nullptr)
    std::printf("  otlp grpc  %s:%u\n", otlp_grpc->address().c_str(), otlp_grpc->port());
  if (otlp_http != nullptr)
    std::printf("  otlp http  http://%s:%u\n", otlp_http->address().c_str(), otlp_http->port());
  std::printf("  data       %s\nready\n", settings.storage.path.c_str());
  std::fflush(stdout);
}

Result<void> run(const Settings& settings, bool demo) {
  std::atomic<bool> stopping{false};
  SystemClock clock;
  PosixFileSystem files;
  Registry metrics;
  register_process_metrics(metrics);

  auto store = TRY(storage::Store::open(settings.storage, files, clock, metrics));
  ingest::Pipeline pipeline(settings.ingest, *store, clock, metrics);
  TRY(recover(*store, pipeline));

  api::Services services{*store,
                         pipeline,
                         clock,
                         metrics,
                         settings.ingest.limits,
                         settings.logs_auth,
                         settings.traces_auth,
                         settings.effective_yaml,
                         version(),
                         revision(),
                         [&] { return stopping.load(); }};
  // The main port last: who sees /ready answer may use every other port.
  std::unique_ptr<net::Server> otlp_grpc, otlp_http;
  if (settings.otlp_grpc)
    otlp_grpc = TRY(net::Server::listen(*settings.otlp_grpc,
                                        api::make_handler(services, api::Surface::otlp_grpc), metrics));
  if (settings.otlp_http)
    otlp_http = TRY(net::Server::listen(*settings.otlp_http,
                                        api::make_handler(services, api::Surface::otlp_http), metrics));
  std::vector<std::unique_ptr<net::Server>> http;
  for (const net::ServerOptions& options : settings.http)
    http.push_back(
        TRY(net::Server::listen(options, api::make_handler(services, api::Surface::all), metrics)));

  print_addresses(settings, http, otlp_grpc.get(), otlp_http.get());
  std::unique_ptr<DemoProcess> demo_process;
  if (demo) {
    auto url = [](const net::Server& s) {
      return "http://" + (s.address() == "0.0.0.0" ? "127.0.0.1" : s.address()) + ":" +
             std::to_string(s.port());
    };
    demo_process =
        std::make_unique<DemoProcess>(url(*http.front()), url(otlp_http ? *otlp_http : *http.front()));
  }

  sigset_t stop = block_stop_signals();
  timespec interval{kJanitorSeconds, 0};
  while (::sigtimedwait(&stop, nullptr, &interval) < 0) store->enforce_retention();

  LOG(info, "stopping: finishing what was begun");
  stopping = true;
  demo_process.reset();
  // One grace period for all: whatever still runs at its end is cut off, and cancels itself.
  std::int64_t deadline = steady_ns() + settings.shutdown_grace_ns;
  auto stop_server = [&](net::Server& server) {
    server.stop(std::max<std::int64_t>(deadline - steady_ns(), 0));
  };
  for (net::Server* server : {otlp_grpc.get(), otlp_http.get()})
    if (server != nullptr) stop_server(*server);
  for (auto& server : http) stop_server(*server);
  TRY(store->close());
  LOG(info, "stopped; nothing was lost");
  return {};
}

}  // namespace

int serve(const std::vector<std::string>& given) {
  std::vector<std::string> args = given;
  bool demo = std::erase(args, "--demo") > 0;
  PosixFileSystem files;
  std::vector<config::Note> notes;
  auto settings = load_settings(args, process_environment(), files, notes);
  if (settings && settings->help) {
    std::fputs(kHelp, stdout);
    std::fputs(settings_help().c_str(), stdout);
    return 0;
  }
  if (settings && settings->version) {
    std::printf("weft %s (%s)\n", version(), revision());
    return 0;
  }
  if (settings) {
    set_log_level(settings->log_level);
    set_log_format(settings->log_format);
  }
  log_notes(notes);
  if (!settings) return fail(settings.error());
  if (settings->print_config) std::fputs(settings->effective_yaml.c_str(), stderr);
  if (settings->verify_only) return 0;
  block_stop_signals();
  auto result = run(*settings, demo);
  return result ? 0 : fail(result.error());
}

}  // namespace weft::app

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "base/log.h"
#include "base/result.h"
#include "config/load.h"
#include "ingest/pipeline.h"
#include "net/server.h"
#include "storage/store.h"

namespace weft::app {

// Everything that can be set, as the modules want it. Plain data.
struct Settings {
  std::vector<net::ServerOptions> http;             // at least one listener, every API on each
  std::optional<net::ServerOptions> otlp_grpc;      // OTLP by gRPC alone, usually port 4317
  std::optional<net::ServerOptions> otlp_http;      // OTLP by HTTP alone, usually port 4318
  std::int64_t shutdown_grace_ns = 20'000'000'000;  // how long requests in flight may take at the end
  storage::Options storage;
  ingest::Options ingest;    // ingest.limits are the limits of everything, queries too
  bool logs_auth = false;    // X-Scope-OrgID is required for logs
  bool traces_auth = false;  // the same for traces
  LogLevel log_level = LogLevel::info;
  LogFormat log_format = LogFormat::logfmt;

  // What the command line asks for instead of serving, or before it.
  bool verify_only = false;   // -config.verify: the settings are good; exit 0 without serving
  bool print_config = false;  // -print-config-stderr: print effective_yaml to standard error
  bool help = false;          // print settings_help()
  bool version = false;

  std::string effective_yaml;  // all settings, nested as in weft.yaml, secrets masked; for /config too
};

// Reads configuration files (read through `files`), environment and flags. Who comes later wins:
// defaults, files of Tempo and Loki in the order given, weft.yaml, environment, flags. `arguments` are
// those after the subcommand. `notes` gets the lines to log, also when there is an error. Errors:
// invalid_argument with every problem found, one a line, each with its file:line:column where it has one.
Result<Settings> load_settings(const std::vector<std::string>& arguments,
                               const config::Environment& environment, FileSystem& files,
                               std::vector<config::Note>& notes);

// The environment of this process.
config::Environment process_environment();

// Flags with their sentences, for `weft serve --help`.
std::string settings_help();

// docs/reference/settings.md.
std::string settings_reference();

// Names of all settings ("http.port"), in order.
std::vector<std::string> setting_names();

}  // namespace weft::app

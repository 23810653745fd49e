#include "app/declared_settings.h"

#include "config/load.h"

namespace weft::app {
namespace {

using config::Schema;
using config::Setting;

constexpr std::int64_t kSecondNs = 1'000'000'000;
constexpr std::int64_t kHundredYearsNs = std::int64_t{876'000} * 3600 * kSecondNs;

void declare_listeners(Schema& schema, Declared& d) {
  schema.group("http",
               "Where weft listens for everything: the APIs of Loki, Tempo and OTLP, gRPC and the user "
               "interface are on one port.");
  schema
      .text(
          "http.address", &d.http_address,
          "Address to listen on; `0.0.0.0` is every interface. A Tempo or Loki file without an address means "
          "every interface, as there.")
      .aliases = {"server.http_listen_address"};
  schema.integer("http.port", &d.http_port, {.max = 65'535}, "Port to listen on; 0 takes a free one.")
      .aliases = {"server.http_listen_port"};
  schema
      .text("http.path_prefix", &d.http_path_prefix,
            "Path before all others, such as `/weft`; requests without it are answered too.")
      .aliases = {"server.http_path_prefix", "server.path_prefix"};
  schema.list("http.also_listen", &d.http_also_listen,
              "More listeners, each `ADDRESS:PORT` or `ADDRESS:PORT/PREFIX`.");
  net::ServerOptions& s = d.server;
  schema.integer("http.workers", &s.workers, {.max = 4096},
                 "Threads that work on requests; 0 takes twice the number of cores, at least 4.");
  schema.integer("http.queue_max", &s.queue_max, {.min = 1, .max = 1'000'000},
                 "Requests that may wait for a worker; more are answered 503.");
  schema.integer("http.connections_max", &s.connections_max, {.min = 1}, "Open connections of one listener.");
  schema.bytes("http.header_bytes_max", &s.header_bytes_max, {.min = 1024, .max = 16 << 20},
               "Size of a request's headers.");
  schema.bytes("http.body_bytes_max", &s.body_bytes_max, {.min = 1024},
               "Size of a request's body as sent, compressed; more is answered 413.");
  schema.integer("http.http2_streams_max", &s.http2_streams_max, {.min = 1, .max = 100'000},
                 "Requests at the same time on one HTTP/2 connection.");
  schema.duration("http.header_timeout", &s.header_timeout_ns, {.min = kSecondNs / 10},
                  "Time that a client has to send the headers.");
  schema.duration("http.idle_timeout", &s.idle_timeout_ns, {.min = kSecondNs / 10},
                  "Time after which an idle connection is closed.");
  schema.integer("http.body_bytes_per_second_min", &s.body_bytes_per_second_min, {},
                 "Bodies that come more slowly are answered 408.");
  schema.duration("http.shutdown_grace", &d.settings.shutdown_grace_ns, {},
                  "Time that requests in flight have when weft is told to stop.");

  schema.group("otlp",
               "Two more listeners for OpenTelemetry alone, on the ports where its exporters send by "
               "default. The main port takes OTLP as well. With a Tempo file they are what its "
               "`distributor.receivers` says; with a Loki file alone they are off, as there.");
  schema.boolean("otlp.grpc_enabled", &d.grpc_enabled, "Listen for OTLP by gRPC.");
  schema.text("otlp.grpc_address", &d.grpc_address, "Address of that listener; empty is `http.address`.");
  schema.integer("otlp.grpc_port", &d.grpc_port, {.max = 65'535},
                 "Port of that listener; 0 takes a free one.");
  schema.boolean("otlp.http_enabled", &d.otlp_http_enabled, "Listen for OTLP by HTTP.");
  schema.text("otlp.http_address", &d.otlp_http_address,
              "Address of that listener; empty is `http.address`.");
  schema.integer("otlp.http_port", &d.otlp_http_port, {.max = 65'535},
                 "Port of that listener; 0 takes a free one.");
}

void declare_storage(Schema& schema, Declared& d) {
  storage::Options& o = d.settings.storage;
  schema.group("storage", "Where and how data is kept.");
  schema
      .text("storage.path", &o.path,
            "The one directory for everything; created when it is not there. A Tempo or Loki file decides it "
            "when nothing else does: `weft` below its `storage.trace.local.path`, "
            "`storage_config.filesystem.directory`, `common.storage.filesystem.chunks_directory` or "
            "`common.path_prefix`.")
      .aliases = {"storage.trace.local.path", "local.chunk_directory", "common.path_prefix"};
  schema.choice(
      "storage.durability", &o.durability,
      {{"sync", static_cast<int>(storage::Durability::sync)},
       {"interval", static_cast<int>(storage::Durability::interval)},
       {"none", static_cast<int>(storage::Durability::none)}},
      "When a write is acknowledged: when it is on the disk, when it is written and will be on the disk "
      "within `storage.sync_interval`, or when it is in memory.");
  schema.duration("storage.sync_interval", &o.sync_interval_ns,
                  {.min = kSecondNs / 1000, .max = 3600 * kSecondNs},
                  "How much time of acknowledged data `interval` may lose when the machine fails.");
  schema.bytes("storage.wal_segment_bytes", &o.wal_segment_bytes, {.min = 1 << 20, .max = 4.0 * (1 << 30)},
               "Size of one file of the write-ahead log.");
  schema.bytes("storage.head_seal_bytes", &o.head_seal_bytes, {.min = 1 << 20},
               "Bytes of data in memory after which a new head begins; retention removes whole heads.");
  schema.bytes("storage.head_memory_max", &o.head_memory_max, {},
               "Memory for data; when it is full, writes are refused. 0 is half of the machine's.");

  Limits& l = d.settings.ingest.limits;
  schema.group("retention", "How long data is kept. What is older is not shown and is removed.");
  schema.duration("retention.logs", &l.log_retention_ns, {.max = kHundredYearsNs},
                  "Logs; 0 keeps them for ever.");
  schema.duration("retention.traces", &l.trace_retention_ns, {.max = kHundredYearsNs},
                  "Traces; 0 keeps them for ever.");
}

void declare_limits(Schema& schema, Declared& d) {
  Limits& l = d.settings.ingest.limits;
  const config::IntegerBounds age{.max = kHundredYearsNs};
  schema.group("limits",
               "Bounds on what is taken in and on what a query may do. The defaults are Loki's and "
               "Tempo's, but for rates, which are not bounded.");
  schema.bytes("limits.line_bytes_max", &l.line_bytes_max, {},
               "Longest log line; longer ones are refused. 0 is the hard limit of 4MiB.");
  schema.integer("limits.label_names_per_stream_max", &l.label_names_per_stream_max, {.min = 1},
                 "Labels of one stream.");
  schema.bytes("limits.label_name_bytes_max", &l.label_name_bytes_max, {.min = 1},
               "Longest name of a label.");
  schema.bytes("limits.label_value_bytes_max", &l.label_value_bytes_max, {.min = 1},
               "Longest value of a label.");
  schema.bytes("limits.metadata_bytes_max", &l.metadata_bytes_max, {}, "Structured metadata of one entry.");
  schema.integer("limits.metadata_entries_max", &l.metadata_entries_max, {},
                 "Pairs of structured metadata of one entry.");
  schema.boolean("limits.reject_old_samples", &l.reject_old_samples,
                 "Refuse log entries older than `limits.old_samples_age_max`.");
  schema.duration("limits.old_samples_age_max", &l.old_samples_age_max_ns, age,
                  "How old a log entry may be.");
  schema.duration("limits.future_grace", &l.future_grace_ns, age,
                  "How far in the future the time of a log entry may be.");
  schema.integer("limits.streams_max", &l.streams_max, {.min = 1}, "Active streams of one tenant.");
  schema.bytes("limits.log_bytes_per_second", &l.log_bytes_per_second, {},
               "Logs of one tenant; 0 is no limit.");
  schema.bytes("limits.log_burst_bytes", &l.log_burst_bytes, {}, "Logs of one tenant that may come at once.");
  schema.bytes("limits.attribute_bytes_max", &l.attribute_bytes_max, {.min = 16},
               "Longest key and value of a span's attribute; longer ones are cut.");
  schema.integer("limits.attributes_per_span_max", &l.attributes_per_span_max, {.min = 1},
                 "Attributes of one span.");
  schema.bytes("limits.trace_bytes_max", &l.trace_bytes_max, {}, "Size of one trace; 0 is no limit.");
  schema.bytes("limits.span_bytes_per_second", &l.span_bytes_per_second, {},
               "Spans of one tenant; 0 is no limit.");
  schema.bytes("limits.span_burst_bytes", &l.span_burst_bytes, {},
               "Spans of one tenant that may come at once.");
  schema.integer("limits.entries_per_query_max", &l.entries_per_query_max, {.min = 1},
                 "Log lines that one query may ask for.");
  schema.integer("limits.query_series_max", &l.query_series_max, {.min = 1},
                 "Series in the answer of a query.");
  schema.integer("limits.tails_max", &l.tails_max, {},
                 "Live tails of one tenant at the same time; 0 is no limit.");
  schema.duration("limits.tail_duration_max", &l.tail_duration_max_ns, age,
                  "Time after which a live tail is ended; 0 is never.");
  schema.duration("limits.query_length_max", &l.query_length_max_ns, age, "Time range of a query of logs.");
  schema.duration("limits.query_timeout", &l.query_timeout_ns,
                  {.min = kSecondNs / 1000, .max = kHundredYearsNs}, "Time that a query may take.");
  schema.duration("limits.search_duration_max", &l.search_duration_max_ns, age,
                  "Time range of a search of traces; 0 is no limit.");
  schema.integer("limits.search_limit_max", &l.search_limit_max, {.min = 1},
                 "Traces that one search may ask for.");
  schema.bytes("limits.query_memory_bytes_max", &l.query_memory_bytes_max, {.min = 1 << 20},
               "Memory that one query may use.");
}

void declare_rest(Schema& schema, Declared& d) {
  ingest::Options& ingest = d.settings.ingest;
  schema.group("ingest", "What happens to data on its way in.");
  schema.list("ingest.service_name_labels", &ingest.service_name_labels,
              "Labels of which the first present one becomes `service_name`; an empty list adds none.");
  schema.boolean("ingest.discover_levels", &ingest.discover_levels,
                 "Find the level of lines (`detected_level`).");
  schema.bytes("ingest.decompressed_bytes_max", &ingest.decompress.output_bytes_max, {.min = 1024},
               "Size of a body after decompression.");
  schema.integer("ingest.decompress_ratio_max", &ingest.decompress.ratio_max, {.min = 2, .max = 1'000'000},
                 "How many times its size a body may become; against decompression bombs.");

  schema.group("tenants",
               "Whether requests must name a tenant with X-Scope-OrgID. Without, everything belongs to "
               "the tenant `fake`.");
  schema.boolean("tenants.require_for_logs", &d.settings.logs_auth, "Loki's `auth_enabled`.").aliases = {
      "auth.enabled"};
  schema.boolean("tenants.require_for_traces", &d.settings.traces_auth, "Tempo's `multitenancy_enabled`.")
      .aliases = {"multitenancy.enabled", "auth.multitenancy_enabled"};

  schema.group("log", "Weft's own log, on standard error.");
  schema.choice("log.level", &d.settings.log_level,
                {{"debug", static_cast<int>(LogLevel::debug)},
                 {"info", static_cast<int>(LogLevel::info)},
                 {"warn", static_cast<int>(LogLevel::warn)},
                 {"error", static_cast<int>(LogLevel::error)}},
                "The least important lines to write.");
  schema.choice(
      "log.format", &d.settings.log_format,
      {{"logfmt", static_cast<int>(LogFormat::logfmt)}, {"json", static_cast<int>(LogFormat::json)}},
      "How lines are written.");
}

}  // namespace

Schema declare(Declared& declared) {
  Schema schema;
  declare_listeners(schema, declared);
  declare_storage(schema, declared);
  declare_limits(schema, declared);
  declare_rest(schema, declared);
  return schema;
}

Schema declare_command(Command& command, Settings& settings) {
  Schema schema;
  schema.list("config.file", &command.files,
              "A configuration file: weft.yaml, tempo.yaml or loki.yaml; may be given several times.");
  schema.boolean("config.expand_env", &command.expand_env,
                 "Replace ${NAME} and ${NAME:default} in files of Tempo and Loki (in weft.yaml always).");
  schema.boolean("config.verify", &settings.verify_only, "Check the configuration and exit.").aliases = {
      "verify_config"};
  schema.boolean("print_config_stderr", &settings.print_config,
                 "Print the effective configuration at start.");
  schema.text("target", &command.target, "Accepted for compatibility: one process does everything.");
  schema.boolean("help", &settings.help, "Print this.").aliases = {"h"};
  schema.boolean("version", &settings.version, "Print the version.");
  return schema;
}

std::string tolerated_flag(std::string_view name) {
  // clang-format off
  constexpr std::string_view kPrefixes[] = {
      "server.", "ingester.", "distributor.", "querier.", "query-frontend.", "frontend.", "compactor.", "memberlist.",
      "store.", "boltdb.", "tsdb.", "ruler.", "validation.", "ring.", "consul.", "etcd.", "storage.trace.",
      "common.", "reporting.", "usage-report.", "search.", "metrics-generator.", "query-scheduler.",
      "index-gateway.", "runtime-config.", "limits.per-user", "tracing.", "schema-config", "mem-ballast-size-mbs",
      "health", "shutdown-delay", "log-config-reverse-order", "list-targets", "config.ballast"};
  // clang-format on
  for (std::string_view prefix : kPrefixes)
    if (name.starts_with(prefix)) return "a flag of Loki or Tempo; put what matters into their file; ignored";
  return "";
}

std::string settings_help() {
  Declared declared;
  Command command;
  return config::print_help(declare_command(command, declared.settings)) +
         config::print_help(declare(declared));
}

std::string settings_reference() {
  Declared declared;
  return "# Settings\n\n"
         "Every setting can be given in `weft.yaml` (by its name, nested at the dots), as a flag or as an "
         "environment "
         "variable. Flags win over variables, variables over `weft.yaml`, `weft.yaml` over files of Tempo "
         "and Loki, "
         "and those over the defaults. Flags take one dash or two, `-a.b=c` or `-a.b c`; lists are divided "
         "by commas. "
         "Durations are written `90s`, `1h30m` or `14d`, sizes `256KiB`, `4MB` or in bytes. `${NAME}` and "
         "`${NAME:default}` in `weft.yaml` are replaced by environment variables, `$$` by a dollar sign.\n\n"
         "This page is generated from the declarations in `src/app/declared_settings.cpp`; a test fails when "
         "it is "
         "stale.\n\n" +
         config::print_reference(declare(declared));
}

std::vector<std::string> setting_names() {
  Declared declared;
  Schema schema = declare(declared);
  std::vector<std::string> names;
  for (const Setting& setting : schema.settings()) names.push_back(setting.name);
  return names;
}

}  // namespace weft::app

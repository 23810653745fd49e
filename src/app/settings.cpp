#include "app/settings.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <unistd.h>

#include "config/compat.h"
#include "text/yaml.h"

namespace weft::app {
namespace {

using config::Environment;
using config::Note;
using config::Program;
using config::Schema;
using config::Setting;
using config::Translation;

constexpr std::int64_t kSecondNs = 1'000'000'000;
constexpr std::int64_t kHundredYearsNs = std::int64_t{876'000} * 3600 * kSecondNs;

// The values that settings write to before they are put together.
struct Declared {
  Settings settings;
  net::ServerOptions server;  // what all listeners share
  std::string http_address = "127.0.0.1";
  std::uint16_t http_port = 3100;
  std::string http_path_prefix;
  std::vector<std::string> http_also_listen;
  bool grpc_enabled = true;
  std::string grpc_address;  // empty: http_address
  std::uint16_t grpc_port = 4317;
  bool otlp_http_enabled = true;
  std::string otlp_http_address;
  std::uint16_t otlp_http_port = 4318;
};

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
               "Bytes of data in memory after which they become a block.");
  schema.bytes("storage.head_memory_max", &o.head_memory_max, {.min = 16 << 20},
               "Memory for data that is not in blocks yet; when it is full, writes are refused.");

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

  schema.group("ui", "The user interface at `/ui`.");
  schema.boolean("ui.enabled", &d.settings.ui, "Serve it.");
}

Schema declare(Declared& declared) {
  Schema schema;
  declared.settings.storage.path = "weft-data";
  declare_listeners(schema, declared);
  declare_storage(schema, declared);
  declare_limits(schema, declared);
  declare_rest(schema, declared);
  return schema;
}

// What only the command line says.
struct Command {
  std::vector<std::string> files;
  bool expand_env = false;
  std::string target = "all";
};

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

// Flags of Loki and Tempo that mean nothing here, by their first part.
std::string tolerated_flag(std::string_view name) {
  constexpr std::string_view kPrefixes[] = {"server.",
                                            "ingester.",
                                            "distributor.",
                                            "querier.",
                                            "query-frontend.",
                                            "frontend.",
                                            "compactor.",
                                            "memberlist.",
                                            "store.",
                                            "boltdb.",
                                            "tsdb.",
                                            "ruler.",
                                            "validation.",
                                            "ring.",
                                            "consul.",
                                            "etcd.",
                                            "storage.trace.",
                                            "common.",
                                            "reporting.",
                                            "usage-report.",
                                            "search.",
                                            "metrics-generator.",
                                            "query-scheduler.",
                                            "index-gateway.",
                                            "runtime-config.",
                                            "limits.per-user",
                                            "tracing.",
                                            "schema-config",
                                            "mem-ballast-size-mbs",
                                            "health",
                                            "shutdown-delay",
                                            "log-config-reverse-order",
                                            "list-targets",
                                            "config.ballast"};
  for (std::string_view prefix : kPrefixes)
    if (name.starts_with(prefix)) return "a flag of Loki or Tempo; put what matters into their file; ignored";
  return "";
}

struct Source {
  Program program = Program::unknown;
  std::string file;
  text::YamlNode root;
};

std::string promtail_refusal(std::string_view file) {
  return fmt::format(
      "{}: this is a Promtail configuration: it tells an agent what to collect, not a server what to do; "
      "`weft serve` takes files of Tempo, Loki and its own",
      file);
}

// Reads and recognises one file; null after a problem.
std::optional<Source> read_source(const std::string& file, const Command& command,
                                  const Environment& environment, FileSystem& files,
                                  const std::vector<std::string>& own_keys,
                                  std::vector<std::string>& problems, std::vector<Note>& notes) {
  auto failed = [&](const Error& error) {
    problems.push_back(error.message());
    return std::nullopt;
  };
  auto content = read_file(files, file, text::YamlLimits().text_bytes_max);
  if (!content) return failed(content.error().in_context(file));
  std::vector<Note> expansion_notes;
  auto expanded = config::expand_variables(*content, file, environment, expansion_notes);
  // Whose file it is decides whether to expand; a file that is no YAML before may be afterwards.
  auto plain = text::parse_yaml(*content, file);
  Source source{.program = Program::unknown, .file = file, .root = {}};
  if (plain) source.program = config::recognise(*plain, file, own_keys);
  bool ours = source.program == Program::weft || (!plain && !command.expand_env);
  if (command.expand_env || (ours && content->find('$') != std::string::npos)) {
    if (!expanded) return failed(expanded.error());
    auto parsed = text::parse_yaml(*expanded, file);
    if (!parsed) return failed(parsed.error());
    source.root = std::move(*parsed);
    source.program = config::recognise(source.root, file, own_keys);
    notes.insert(notes.end(), expansion_notes.begin(), expansion_notes.end());
  } else {
    if (!plain) return failed(plain.error());
    source.root = std::move(*plain);
  }
  switch (source.program) {
    case Program::weft:
    case Program::tempo:
    case Program::loki: return source;
    case Program::promtail: problems.push_back(promtail_refusal(file)); break;
    case Program::grafana_datasources:
      problems.push_back(
          fmt::format("{}: these are data sources for Grafana, not settings of a server", file));
      break;
    case Program::kubernetes:
      problems.push_back(fmt::format(
          "{}: this is a Kubernetes manifest; give the configuration file that is inside it", file));
      break;
    case Program::unknown:
      problems.push_back(
          fmt::format("{}: cannot tell whether this is a file of Tempo, Loki or weft; call it tempo.yaml, "
                      "loki.yaml or weft.yaml",
                      file));
      break;
  }
  return std::nullopt;
}

std::string origin_of(const Source& source, text::YamlMark mark) {
  return mark.line == 0 ? source.file : fmt::format("{}:{}:{}", source.file, mark.line, mark.column);
}

void report(const Source& source, const std::vector<config::Finding>& findings,
            std::vector<std::string>& problems, std::vector<Note>& notes) {
  using Kind = config::Finding::Kind;
  for (const config::Finding& finding : findings) {
    std::string where = origin_of(source, finding.mark);
    if (finding.kind == Kind::problem) {
      bool named = finding.text.find(finding.key) != std::string::npos;
      problems.push_back(named || finding.key.empty()
                             ? fmt::format("{}: {}", where, finding.text)
                             : fmt::format("{}: {}: {}", where, finding.key, finding.text));
      continue;
    }
    LogLevel level = finding.kind == Kind::applied   ? LogLevel::debug
                     : finding.kind == Kind::ignored ? LogLevel::info
                                                     : LogLevel::warn;
    notes.push_back({level, finding.key.empty()
                                ? fmt::format("{}: {}", where, finding.text)
                                : fmt::format("{}: {}: {}", where, finding.key, finding.text)});
  }
}

struct Listener {
  std::string address;
  std::string port;
  std::string prefix;
  std::string origin;
};

// Puts together what files of Tempo and Loki say: a later file wins, except that every port is served.
class CompatFiles {
 public:
  CompatFiles(Schema& schema, std::vector<std::string>& problems, std::vector<Note>& notes)
      : schema_(schema), problems_(problems), notes_(notes) {}

  void add(const Source& source) {
    Translation translation = config::translate(source.program, source.root);
    report(source, translation.findings, problems_, notes_);
    has_tempo_ = has_tempo_ || source.program == Program::tempo;
    any_ = true;
    Listener listener;
    listener.origin = source.file;
    for (const config::Assignment& each : translation.assignments) {
      if (each.setting == "http.address") listener.address = each.values[0];
      if (each.setting == "http.port") listener.port = each.values[0];
      if (each.setting == "http.path_prefix") listener.prefix = each.values[0];
      if (!is_listener(each.setting)) set(source, each);
      // Values are checked here, used in finish().
      if (each.setting == "http.port") check_port(source, each);
    }
    listeners_.push_back(std::move(listener));
  }

  void finish() {
    if (!any_) return;
    if (!has_tempo_) {
      for (std::string_view name : {"otlp.grpc_enabled", "otlp.http_enabled"})
        config::assign(*schema_.find(name), {"false"}, listeners_[0].origin, problems_);
      notes_.push_back(
          {LogLevel::info,
           "no listeners on 4317 and 4318, since no Tempo file asks for receivers; OTLP is taken on the "
           "main port too; -otlp.grpc-enabled and -otlp.http-enabled open them"});
    }
    const Listener& first = listeners_[0];
    config::assign(*schema_.find("http.address"), {first.address}, first.origin, problems_);
    config::assign(*schema_.find("http.port"), {first.port}, first.origin, problems_);
    config::assign(*schema_.find("http.path_prefix"), {first.prefix}, first.origin, problems_);
    std::vector<std::string> others;
    for (std::size_t i = 1; i < listeners_.size(); ++i) add_listener(i, others);
    if (!others.empty())
      config::assign(*schema_.find("http.also_listen"), others, listeners_.back().origin, problems_);
  }

 private:
  static bool is_listener(std::string_view name) {
    return name == "http.address" || name == "http.port" || name == "http.path_prefix";
  }

  void add_listener(std::size_t index, std::vector<std::string>& others) {
    const Listener& listener = listeners_[index];
    for (std::size_t i = 0; i < index; ++i) {
      const Listener& earlier = listeners_[i];
      if (earlier.port != listener.port || listener.port == "0") continue;
      if (earlier.prefix != listener.prefix)
        problems_.push_back(
            fmt::format("{} and {} want the same port {} with the path prefixes '{}' and '{}'; give one of "
                        "them another port",
                        earlier.origin, listener.origin, listener.port, earlier.prefix, listener.prefix));
      if (earlier.address != listener.address)
        notes_.push_back({LogLevel::warn, fmt::format("{} and {} want port {} on {} and on {}; it is {}",
                                                      earlier.origin, listener.origin, listener.port,
                                                      earlier.address, listener.address, earlier.address)});
      return;
    }
    bool v6 = listener.address.find(':') != std::string::npos;
    others.push_back(fmt::format("{}{}{}:{}{}", v6 ? "[" : "", listener.address, v6 ? "]" : "", listener.port,
                                 listener.prefix));
  }

  void check_port(const Source& source, const config::Assignment& each) {
    config::assign(*schema_.find("http.port"), each.values, label(source, each), problems_);
  }

  static std::string label(const Source& source, const config::Assignment& each) {
    std::string where = origin_of(source, each.mark);
    return each.key.empty() ? where : fmt::format("{}: {}", where, each.key);
  }

  void set(const Source& source, const config::Assignment& each) {
    Setting& setting = *schema_.find(each.setting);
    std::string before = setting.print();
    std::string earlier = setting.origin;
    std::string where = label(source, each);
    config::assign(setting, each.values, where, problems_);
    if (earlier.empty() || before == setting.print()) return;
    std::string_view one = each.setting == "storage.path" ? "; weft keeps one directory" : "";
    notes_.push_back(
        {LogLevel::warn,
         fmt::format("{} = {} ({}) instead of {} ({}): the later one wins{}; set {} to decide", each.setting,
                     setting.print(), where, before, earlier, one, setting.flag())});
  }

  Schema& schema_;
  std::vector<std::string>& problems_;
  std::vector<Note>& notes_;
  std::vector<Listener> listeners_;
  bool has_tempo_ = false;
  bool any_ = false;
};

// "ADDRESS:PORT/PREFIX".
Result<net::ServerOptions> parse_listener(const std::string& text, const net::ServerOptions& shared) {
  net::ServerOptions options = shared;
  std::string_view rest = text;
  std::size_t slash = rest.find('/');
  if (slash != std::string_view::npos) options.path_prefix = rest.substr(slash);
  rest = rest.substr(0, slash);
  std::size_t colon = rest.rfind(':');
  std::string_view host = rest.substr(0, std::min(colon, rest.size()));
  std::string_view port = colon == std::string_view::npos ? std::string_view() : rest.substr(colon + 1);
  auto [end, failed] = std::from_chars(port.data(), port.data() + port.size(), options.port);
  if (host.empty() || port.empty() || failed != std::errc() || end != port.data() + port.size())
    return Error(Code::invalid_argument,
                 fmt::format("http.also_listen: '{}' is not ADDRESS:PORT or ADDRESS:PORT/PREFIX", text));
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  options.address = host;
  return options;
}

bool valid_prefix(std::string_view prefix) {
  return prefix.empty() ||
         (prefix.starts_with('/') && prefix.find_first_of(" ?#%\\\"") == std::string_view::npos);
}

// Joins what was declared into the modules' options.
void assemble(Declared& d, Schema& schema, std::vector<std::string>& problems) {
  Settings& settings = d.settings;
  if (d.http_address.empty()) d.http_address = "0.0.0.0";
  while (d.http_path_prefix.ends_with('/')) d.http_path_prefix.pop_back();
  if (!valid_prefix(d.http_path_prefix))
    problems.push_back(fmt::format("http.path_prefix: '{}' is not a path such as /weft", d.http_path_prefix));
  auto listener = [&](const std::string& address, std::uint16_t port) {
    net::ServerOptions options = d.server;
    options.address = address.empty() ? d.http_address : address;
    options.port = port;
    return options;
  };
  settings.http = {listener(d.http_address, d.http_port)};
  settings.http[0].path_prefix = d.http_path_prefix;
  for (const std::string& text : d.http_also_listen) {
    auto options = parse_listener(text, d.server);
    if (options) {
      settings.http.push_back(std::move(*options));
    } else {
      problems.push_back(options.error().message());
    }
  }
  if (d.grpc_enabled) settings.otlp_grpc = listener(d.grpc_address, d.grpc_port);
  if (d.otlp_http_enabled) settings.otlp_http = listener(d.otlp_http_address, d.otlp_http_port);
  if (settings.storage.path.empty()) problems.emplace_back("storage.path: is empty; name a directory");
  settings.storage.log_retention_ns = settings.ingest.limits.log_retention_ns;
  settings.storage.trace_retention_ns = settings.ingest.limits.trace_retention_ns;
  settings.effective_yaml = config::print_yaml(schema);
}

// A port or an address that somebody gave beside the files asks for the listener itself.
void enable_named_listeners(Schema& schema, const std::vector<std::string>& origins_before) {
  auto changed = [&](std::string_view name) {
    for (std::size_t i = 0; i < origins_before.size(); ++i)
      if (schema.settings()[i].name == name) return schema.settings()[i].origin != origins_before[i];
    return false;
  };
  for (std::string_view which : {"otlp.grpc", "otlp.http"}) {
    std::string prefix(which);
    bool named = changed(prefix + "_port") || changed(prefix + "_address");
    if (named && !changed(prefix + "_enabled")) (void)schema.find(prefix + "_enabled")->assign({"true"});
  }
  // One port for everything was asked for: the ports of several files give way to it.
  if (changed("http.port") && !changed("http.also_listen")) (void)schema.find("http.also_listen")->assign({});
}

std::string joined(const std::vector<std::string>& problems) {
  std::string out;
  for (const std::string& problem : problems) out += (out.empty() ? "" : "\n") + problem;
  return out;
}

}  // namespace

Result<Settings> load_settings(const std::vector<std::string>& arguments, const Environment& environment,
                               FileSystem& files, std::vector<Note>& notes) {
  Declared declared;
  Schema schema = declare(declared);
  Command command;
  Schema command_schema = declare_command(command, declared.settings);
  std::vector<std::string> problems;

  // Flags first, since they name the files; then again at the end, since they win.
  config::FlagRules rules{
      .schemas = {&command_schema, &schema}, .tolerated = tolerated_flag, .rest = nullptr};
  config::read_flags(rules, arguments, problems, notes);
  Settings flags = declared.settings;
  declared = Declared();
  for (Setting& setting : schema.settings()) setting.origin.clear();
  declared.settings.storage.path = "weft-data";
  declared.settings.verify_only = flags.verify_only;
  declared.settings.print_config = flags.print_config;
  declared.settings.help = flags.help;
  declared.settings.version = flags.version;
  if (flags.help || flags.version)
    return problems.empty() ? Result<Settings>(declared.settings)
                            : Error(Code::invalid_argument, joined(problems));
  if (command.target != "all")
    notes.push_back(
        {LogLevel::info, fmt::format("-target={}: one process does everything; ignored", command.target)});

  std::vector<Source> own;
  CompatFiles compat(schema, problems, notes);
  for (const std::string& file : command.files) {
    auto source = read_source(file, command, environment, files, setting_names(), problems, notes);
    if (!source) continue;
    notes.push_back({LogLevel::info,
                     fmt::format("{}: read as a file of {}", file, config::program_name(source->program))});
    if (source->program == Program::weft) {
      own.push_back(std::move(*source));
    } else {
      compat.add(*source);
    }
  }
  compat.finish();

  std::vector<std::string> origins;
  for (const Setting& setting : schema.settings()) origins.push_back(setting.origin);
  for (const Source& source : own) config::read_yaml(schema, source.root, source.file, problems);
  config::read_environment(schema, environment, problems, notes);
  std::vector<std::string> reported;
  std::vector<Note> noted;
  config::read_flags(rules, arguments, reported, noted);
  enable_named_listeners(schema, origins);

  assemble(declared, schema, problems);
  if (!problems.empty()) return Error(Code::invalid_argument, joined(problems));
  return std::move(declared.settings);
}

Environment process_environment() {
  Environment environment;
  for (char** each = environ; each && *each; ++each) {
    std::string_view entry = *each;
    std::size_t equals = entry.find('=');
    if (equals != std::string_view::npos)
      environment.emplace(std::string(entry.substr(0, equals)), std::string(entry.substr(equals + 1)));
  }
  return environment;
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
         "This page is generated from the declarations in `src/app/settings.cpp`; a test fails when it is "
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

std::string refused_value(const std::string& name, const std::vector<std::string>& values) {
  Declared declared;
  Schema schema = declare(declared);
  Setting* setting = schema.find(name);
  if (!setting) return fmt::format("there is no setting {}", name);
  auto done = setting->assign(values);
  return done ? "" : done.error().message();
}

}  // namespace weft::app

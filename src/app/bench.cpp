#include "app/bench.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <sstream>

#include <fmt/format.h>
#include <simdjson.h>

#include "app/arguments.h"
#include "app/load_run.h"
#include "app/loki_client.h"
#include "base/clock.h"
#include "model/time.h"
#include "text/json_writer.h"
#include "text/units.h"

namespace weft::app {

namespace {

constexpr Flag kFlags[] = {
    {"signal", "S", "both",
     "logs, traces or both, one after the other, each against a fresh server of its own"},
    {"kind", "K", "mixed", "log lines: mixed (half JSON, a quarter logfmt, a quarter plain) or json"},
    {"protocol", "P", "", "loki (logs alone), otlp-http or otlp-grpc [logs: loki, traces: otlp-http]"},
    {"rows", "N", "1000000", "log lines, and spans"},
    {"connections", "N", "4", "requests in flight"},
    {"seed", "N", "1", "the same seed sends the same ids and texts"},
    {"settle", "DURATION", "30s",
     "wait so long at most for the server to come to rest; its work until then counts"},
    {"recovery", "", "", "then kill -9 the server, start it again, and time that"},
    {"gate", "", "",
     "exit with 1 where a gate is not held (2.0 CPU s per million JSON lines, 3.0 per million spans)"},
    {"json", "", "", "one JSON object a measurement, for machines"},
    {"dir", "PATH", "",
     "where the own server's data goes for the time being [the system's temporary folder]"},
    {"server-flags", "FLAGS", "", "more flags for the own server, separated by spaces"},
    {"url", "URL", "", "measure this running server instead of an own one (its HTTP API)"},
    {"otlp", "URL", "http://127.0.0.1:4318", "with --url: its OTLP/HTTP port"},
    {"otlp-grpc", "URL", "http://127.0.0.1:4317", "with --url: its OTLP/gRPC port"},
    {"pid", "N", "0", "with --url: read CPU and memory from /proc/N instead of the server's /metrics"},
    {"tenant", "NAME", "", "X-Scope-OrgID, where the server wants one"},
    {"help", "", "", "this text", 'h'},
};

constexpr double kLogGate = 2.0, kSpanGate = 3.0;  // CPU seconds per million rows

enum class Signal : std::uint8_t { logs, traces };

struct Options {
  std::vector<Signal> signals;
  LoadOptions load;
  std::optional<LoadProtocol> protocol;
  std::size_t connections = 4;
  std::int64_t settle_ns = 0;
  bool recovery = false, gate = false, json = false;
  std::string directory, url, otlp, otlp_grpc, tenant;
  std::vector<std::string> server_flags;
  pid_t pid = 0;
};

template <class T>
Result<T> one_of(const Arguments& arguments, std::string_view flag,
                 std::initializer_list<std::pair<std::string_view, T>> choices) {
  std::string names;
  for (const auto& [name, value] : choices) {
    if (arguments.text(flag) == name) return value;
    names += (names.empty() ? "" : ", ") + std::string(name);
  }
  return Error(Code::invalid_argument,
               fmt::format("--{}={}: must be one of {}", flag, arguments.text(flag), names));
}

Result<Options> options_from(const Arguments& arguments) {
  if (!arguments.positional().empty()) {
    return Error(Code::invalid_argument,
                 "unexpected argument " + arguments.positional()[0] + " (--help lists the flags)");
  }
  Options out;
  out.signals = TRY(one_of<std::vector<Signal>>(
      arguments, "signal",
      {{"logs", {Signal::logs}}, {"traces", {Signal::traces}}, {"both", {Signal::logs, Signal::traces}}}));
  out.load.kind =
      TRY(one_of<LineKind>(arguments, "kind", {{"mixed", LineKind::mixed}, {"json", LineKind::json}}));
  if (!arguments.text("protocol").empty()) {
    out.protocol = TRY(one_of<LoadProtocol>(arguments, "protocol",
                                            {{"loki", LoadProtocol::loki},
                                             {"otlp-http", LoadProtocol::otlp_http},
                                             {"otlp-grpc", LoadProtocol::otlp_grpc}}));
    if (out.protocol == LoadProtocol::loki && out.signals == std::vector{Signal::traces}) {
      return Error(Code::invalid_argument, "--protocol=loki carries no traces; use otlp-http or otlp-grpc");
    }
  }
  // All bodies are encoded before the clock starts: 50 million rows are some 15 GB of them.
  out.load.rows = static_cast<std::size_t>(TRY(arguments.integer("rows", 1, 50'000'000)));
  out.load.seed = static_cast<std::uint64_t>(TRY(arguments.integer("seed", 0, INT64_MAX)));
  out.load.start_ns = SystemClock().now_ns() - out.load.length_ns;
  out.connections = static_cast<std::size_t>(TRY(arguments.integer("connections", 1, 256)));
  out.settle_ns = TRY(arguments.duration_ns("settle"));
  out.recovery = arguments.is_set("recovery");
  out.gate = arguments.is_set("gate");
  out.json = arguments.is_set("json");
  out.directory =
      arguments.text("dir").empty() ? std::filesystem::temp_directory_path().string() : arguments.text("dir");
  if (arguments.given("url")) out.url = base_url(arguments.text("url"));
  out.otlp = base_url(arguments.text("otlp"));
  out.otlp_grpc = base_url(arguments.text("otlp-grpc"));
  out.tenant = arguments.text("tenant");
  out.pid = static_cast<pid_t>(TRY(arguments.integer("pid", 0, INT32_MAX)));
  std::istringstream flags(arguments.text("server-flags"));
  for (std::string flag; flags >> flag;) out.server_flags.push_back(flag);
  if (out.recovery && !out.url.empty())
    return Error(Code::invalid_argument, "--recovery kills the server, hence only an own one, without --url");
  return out;
}

// A folder that goes away with all that is in it.
class TemporaryDirectory {
 public:
  static Result<TemporaryDirectory> make(const std::string& parent) {
    std::string path = parent + "/weft-bench-XXXXXX";
    if (mkdtemp(path.data()) == nullptr) return Error(Code::unavailable, "cannot make a folder in " + parent);
    return TemporaryDirectory(path);
  }
  TemporaryDirectory(TemporaryDirectory&& other) noexcept : path_(std::exchange(other.path_, "")) {}
  TemporaryDirectory& operator=(TemporaryDirectory&&) = delete;
  ~TemporaryDirectory() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  explicit TemporaryDirectory(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

struct Recovery {
  double seconds = 0;  // from exec to ready
  std::uint64_t bytes = 0;
  std::vector<std::string> log;  // what the server says about it
};

struct Measurement {
  Signal signal = Signal::logs;
  LineKind kind = LineKind::mixed;
  LoadProtocol protocol = LoadProtocol::loki;
  std::size_t connections = 0;
  LoadResult result;
  std::optional<std::uint64_t> stored;  // rows that the server counts afterwards
  std::optional<Recovery> recovery;
  std::uint64_t disk_bytes = 0;

  double cpu_per_million() const { return result.cpu_seconds / (static_cast<double>(result.rows) / 1e6); }
  std::optional<double> gate() const {
    if (signal == Signal::traces) return kSpanGate;
    return kind == LineKind::json ? std::optional(kLogGate) : std::nullopt;
  }
  bool held() const { return !gate() || cpu_per_million() <= *gate(); }
};

std::string_view name_of(Signal signal) {
  return signal == Signal::logs ? "logs" : "traces";
}
std::string_view name_of(LoadProtocol protocol) {
  return protocol == LoadProtocol::loki        ? "loki"
         : protocol == LoadProtocol::otlp_http ? "otlp-http"
                                               : "otlp-grpc";
}

void print_text(const Measurement& m) {
  const LoadResult& r = m.result;
  const std::string_view noun = m.signal == Signal::logs ? "lines" : "spans";
  const double rows = static_cast<double>(r.rows), bytes = static_cast<double>(r.raw_bytes);
  fmt::print("{} by {}{}: {} {} of {:.0f} B in {} requests, {} connections\n", name_of(m.signal),
             name_of(m.protocol),
             m.signal == Signal::traces ? ""
             : m.kind == LineKind::json ? ", JSON"
                                        : ", mixed",
             r.rows, noun, bytes / rows, r.requests, m.connections);
  fmt::print(
      "  {:.2f} s: {:.0f} {}/s, {:.1f} MB/s{}\n", r.seconds, rows / r.seconds, noun, bytes / 1e6 / r.seconds,
      r.refusals > 0 ? fmt::format(", {} refusals (429 or 503) that were sent again", r.refusals) : "");
  fmt::print("  acknowledged after {:.1f} ms (p50), {:.1f} ms (p99), {:.1f} ms (max)\n",
             static_cast<double>(r.p50_ns) / 1e6, static_cast<double>(r.p99_ns) / 1e6,
             static_cast<double>(r.max_ns) / 1e6);
  fmt::print(
      "  server CPU {:.2f} s ({:.2f} s of it after the last answer): {:.2f} s per million {}, {:.2f} s per "
      "GB\n",
      r.cpu_seconds, r.cpu_seconds_after, m.cpu_per_million(), noun, r.cpu_seconds / (bytes / 1e9));
  fmt::print(
      "  resident memory {:.0f} MB{}\n", r.resident_bytes / 1e6,
      r.resident_bytes_peak > 0 ? fmt::format(", at most {:.0f} MB", r.resident_bytes_peak / 1e6) : "");
  if (m.disk_bytes > 0)
    fmt::print("  on disk {:.1f} MB, {:.1f} B a row\n", static_cast<double>(m.disk_bytes) / 1e6,
               static_cast<double>(m.disk_bytes) / rows);
  if (m.stored)
    fmt::print("  the server counts {} {}{}\n", *m.stored, noun,
               *m.stored == r.rows ? ": all of them" : fmt::format(" of {}", r.rows));
  if (m.recovery) {
    const double megabytes = static_cast<double>(m.recovery->bytes) / 1e6;
    fmt::print(
        "  killed and started again: ready after {:.2f} s with {:.0f} MB on disk, {:.0f} {}/s, {:.0f} MB/s\n",
        m.recovery->seconds, megabytes, rows / m.recovery->seconds, noun, megabytes / m.recovery->seconds);
    for (const std::string& line : m.recovery->log) fmt::print("    {}\n", line);
  }
  if (m.gate()) {
    fmt::print("  gate: {:.2f} of at most {:.1f} CPU s per million {}: {}\n", m.cpu_per_million(), *m.gate(),
               noun, m.held() ? "held" : "NOT HELD");
  }
}

void print_json(const Measurement& m) {
  const LoadResult& r = m.result;
  std::string out;
  text::JsonWriter json(out);
  json.begin_object().key("signal").string(name_of(m.signal)).key("protocol").string(name_of(m.protocol));
  if (m.signal == Signal::logs) json.key("kind").string(m.kind == LineKind::json ? "json" : "mixed");
  json.key("rows")
      .unsigned_integer(r.rows)
      .key("raw_bytes")
      .unsigned_integer(r.raw_bytes)
      .key("sent_bytes")
      .unsigned_integer(r.sent_bytes);
  json.key("requests").unsigned_integer(r.requests).key("connections").unsigned_integer(m.connections);
  json.key("refusals").unsigned_integer(r.refusals).key("seconds").number(r.seconds);
  json.key("rows_per_second").number(static_cast<double>(r.rows) / r.seconds);
  json.key("megabytes_per_second").number(static_cast<double>(r.raw_bytes) / 1e6 / r.seconds);
  json.key("ack_p50_seconds")
      .number(static_cast<double>(r.p50_ns) / 1e9)
      .key("ack_p99_seconds")
      .number(static_cast<double>(r.p99_ns) / 1e9);
  json.key("cpu_seconds").number(r.cpu_seconds).key("cpu_seconds_after_load").number(r.cpu_seconds_after);
  json.key("cpu_seconds_per_million_rows").number(m.cpu_per_million());
  json.key("cpu_seconds_per_gb").number(r.cpu_seconds / (static_cast<double>(r.raw_bytes) / 1e9));
  json.key("resident_bytes")
      .number(r.resident_bytes)
      .key("resident_bytes_peak")
      .number(r.resident_bytes_peak);
  json.key("disk_bytes").unsigned_integer(m.disk_bytes);
  if (m.stored) json.key("stored_rows").unsigned_integer(*m.stored);
  if (m.recovery)
    json.key("recovery_seconds")
        .number(m.recovery->seconds)
        .key("recovery_bytes")
        .unsigned_integer(m.recovery->bytes);
  if (m.gate())
    json.key("gate_cpu_seconds_per_million_rows").number(*m.gate()).key("gate_held").boolean(m.held());
  json.end_object();
  fmt::print("{}\n", out);
}

class Bench {
 public:
  explicit Bench(const Options& options) : options_(options) {}

  // One measurement, printed by the caller.
  Result<Measurement> measure(Signal signal) {
    Measurement m{.signal = signal, .kind = options_.load.kind, .connections = options_.connections};
    m.protocol =
        signal == Signal::logs ? options_.protocol.value_or(LoadProtocol::loki) : LoadProtocol::otlp_http;
    if (signal == Signal::traces && options_.protocol == LoadProtocol::otlp_grpc)
      m.protocol = LoadProtocol::otlp_grpc;
    if (!options_.json)
      fmt::print(stderr, "encoding {} {} ...\n", options_.load.rows,
                 signal == Signal::logs ? "lines" : "spans");
    const std::vector<LoadBody> bodies =
        signal == Signal::logs ? encode_log_load(options_.load, m.protocol) : encode_span_load(options_.load);
    if (!options_.url.empty()) {
      m.result = TRY(run_load(bodies, target(m, options_.url, options_.otlp, options_.otlp_grpc),
                              options_.connections, options_.settle_ns,
                              [&] { return usage(options_.url, options_.pid); }));
      return m;
    }
    const TemporaryDirectory directory = TRY(TemporaryDirectory::make(options_.directory));
    ServerProcess server(directory.path());
    TRY(server.start(options_.server_flags));
    m.result = TRY(
        run_load(bodies, target(m, server.http_url(), server.otlp_http_url(), server.otlp_grpc_url()),
                 options_.connections, options_.settle_ns, [&] { return usage_of_process(server.pid()); }));
    m.disk_bytes = server.data_bytes();
    if (options_.recovery) {
      server.kill();
      Recovery recovery{.bytes = server.data_bytes()};
      recovery.seconds = static_cast<double>(TRY(server.start(options_.server_flags))) / 1e9;
      std::istringstream log(server.log_text());
      for (std::string line; std::getline(log, line);) {
        if (line.find("recover") != std::string::npos || line.find("replay") != std::string::npos)
          recovery.log.push_back(line);
      }
      m.recovery = recovery;
    }
    // A server of our own holds this load alone, so its own count tells whether all is there.
    m.stored = signal == Signal::logs ? TRY(stored_lines(server.http_url())) : TRY(stored_spans(server.http_url()));
    TRY(server.stop());
    return m;
  }

 private:
  LoadTarget target(const Measurement& m, const std::string& http, const std::string& otlp,
                    const std::string& grpc) const {
    LoadTarget out{.protocol = m.protocol};
    if (!options_.tenant.empty()) out.headers.emplace_back("x-scope-orgid", options_.tenant);
    const bool logs = m.signal == Signal::logs;
    switch (m.protocol) {
      case LoadProtocol::loki: out.url = http + "/loki/api/v1/push"; break;
      case LoadProtocol::otlp_http: out.url = otlp + (logs ? "/v1/logs" : "/v1/traces"); break;
      case LoadProtocol::otlp_grpc:
        out.url = grpc;
        out.grpc_method = logs ? "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
                               : "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
        break;
    }
    return out;
  }

  static Result<ProcessUsage> usage(const std::string& url, pid_t pid) {
    if (pid > 0) return usage_of_process(pid);
    net::Client client;
    const net::ClientResponse answer = TRY(client.send({.url = url + "/metrics"}));
    return usage_from_metrics(answer.body);
  }

  Result<std::uint64_t> stored_lines(const std::string& url) const {
    LokiClient client(url, options_.tenant);
    const QueryAnswer answer =
        TRY(client.query_instant("sum(count_over_time({service_name=~\".+\"}[2h]))",
                                 options_.load.start_ns + options_.load.length_ns + kNsPerSecond));
    if (answer.series.size() != 1 || answer.series[0].points.size() != 1)
      return Error(Code::internal, "the server counts no lines");
    return static_cast<std::uint64_t>(TRY(text::parse_float(answer.series[0].points[0].second)));
  }

  Result<std::uint64_t> stored_spans(const std::string& url) const {
    LokiClient client(url, options_.tenant);
    const std::int64_t start = options_.load.start_ns / kNsPerSecond;
    const std::string path =
        fmt::format("/api/metrics/query_range?q={}&start={}&end={}&step=1h",
                    percent_encode("{} | count_over_time()"), start - 3600, start + 2 * 3600);
    const std::string body = TRY(client.get(path, ""));
    simdjson::dom::parser parser;
    simdjson::dom::array series;
    if (parser.parse(body)["series"].get(series) != simdjson::SUCCESS)
      return Error(Code::internal, "the server counts no spans");
    double spans = 0;
    for (const simdjson::dom::element each : series) {
      simdjson::dom::array samples;
      if (each["samples"].get(samples) != simdjson::SUCCESS) continue;
      for (const simdjson::dom::element sample : samples) {
        double value = 0;
        if (sample["value"].get(value) == simdjson::SUCCESS) spans += value;
      }
    }
    return static_cast<std::uint64_t>(std::llround(spans));
  }

  const Options& options_;
};

void print_help() {
  fmt::print(
      "weft bench sends a standard load and reports rows and bytes a second, the server's CPU time per\n"
      "row and byte, how long acknowledgements take, and memory. Everything is encoded before the clock\n"
      "starts, so that the load generator takes little from the server.\n\n"
      "  weft bench                                 logs and traces against an own, temporary server\n"
      "  weft bench --signal=logs --kind=json --gate\n"
      "  weft bench --protocol=otlp-grpc --rows=5_000_000 --connections=8\n"
      "  weft bench --recovery                      also times the start after a kill -9\n"
      "  weft bench --url=http://host:3100 --otlp=http://host:4318\n\n"
      "The load: log lines of about 220 B with trace and span ids, 80 streams of 8 services, 2000 lines a\n"
      "request in 8 streams, snappy protobuf; spans of about 320 B with 8 to 10 attributes, 6 a trace over\n"
      "6 services, 600 a request, OTLP protobuf; all spread over the last hour.\n\n{}",
      flags_help(kFlags));
}

}  // namespace

int bench(const std::vector<std::string>& args) {
  const Result<Arguments> arguments = Arguments::parse(args, kFlags);
  if (arguments && arguments->is_set("help")) {
    print_help();
    return 0;
  }
  const Result<Options> options = arguments ? options_from(*arguments) : Result<Options>(arguments.error());
  if (!options) {
    fmt::print(stderr, "weft bench: {}\n", options.error().message());
    return 2;
  }
  bool held = true;
  Bench bench(*options);
  for (const Signal signal : options->signals) {
    const Result<Measurement> measured = bench.measure(signal);
    if (!measured) {
      fmt::print(stderr, "weft bench: {}: {}\n", name_of(signal), measured.error().message());
      return 1;
    }
    options->json ? print_json(*measured) : print_text(*measured);
    std::fflush(stdout);
    held = held && measured->held();
    if (measured->stored && *measured->stored != measured->result.rows) held = false;
  }
  return options->gate && !held ? 1 : 0;
}

}  // namespace weft::app

#include "app/settings.h"

#include <cstdlib>
#include <map>

#include <gtest/gtest.h>

namespace weft::app {
namespace {

// Files by path, as they were given; nothing can be written.
class FilesInMemory final : public FileSystem {
 public:
  std::map<std::string, std::string> files;

  Result<std::unique_ptr<File>> open(const std::string& path, Mode mode) override {
    auto found = files.find(path);
    if (found == files.end() || mode == Mode::read_write) return Error(Code::not_found, "no such file");
    return std::unique_ptr<File>(std::make_unique<Content>(found->second));
  }
  Result<void> rename(const std::string&, const std::string&) override { return read_only(); }
  Result<void> remove(const std::string&) override { return read_only(); }
  Result<void> create_directories(const std::string&) override { return read_only(); }
  Result<std::vector<std::string>> list(const std::string&) override { return read_only(); }
  Result<FileInfo> examine(const std::string&) override { return read_only(); }
  Result<void> sync_directory(const std::string&) override { return read_only(); }
  Result<std::shared_ptr<void>> lock(const std::string&) override { return read_only(); }

 private:
  static Error read_only() { return Error(Code::permission_denied, "read only"); }
  class Content final : public File {
   public:
    explicit Content(const std::string& text) : text_(text) {}
    Result<void> write(std::uint64_t, std::string_view) override { return read_only(); }
    Result<std::string> read(std::uint64_t offset, std::size_t size) const override {
      return offset >= text_.size() ? std::string() : text_.substr(offset, size);
    }
    Result<void> allocate(std::uint64_t) override { return read_only(); }
    Result<void> truncate(std::uint64_t) override { return read_only(); }
    Result<void> sync() override { return {}; }
    Result<std::uint64_t> size() const override { return text_.size(); }

   private:
    const std::string& text_;
  };
};

struct Loaded {
  Result<Settings> settings;
  std::vector<config::Note> notes;

  std::string error() const { return settings ? "" : settings.error().message(); }
  // Lines of at least that level, one a line.
  std::string log(LogLevel level) const {
    std::string out;
    for (const config::Note& note : notes)
      if (note.level >= level) out += note.text + "\n";
    return out;
  }
};

Loaded load(const std::vector<std::string>& arguments, const std::map<std::string, std::string>& files = {},
            const config::Environment& environment = {}) {
  FilesInMemory memory;
  memory.files = files;
  std::vector<config::Note> notes;
  auto settings = load_settings(arguments, environment, memory, notes);
  return {std::move(settings), std::move(notes)};
}

std::string address(const net::ServerOptions& options) {
  return options.address + ":" + std::to_string(options.port) + options.path_prefix;
}
std::string address(const std::optional<net::ServerOptions>& options) {
  return options ? address(*options) : "off";
}

TEST(Settings, Defaults) {
  Loaded loaded = load({});
  ASSERT_TRUE(loaded.settings) << loaded.error();
  const Settings& s = *loaded.settings;
  ASSERT_EQ(s.http.size(), 1U);
  EXPECT_EQ(address(s.http[0]), "127.0.0.1:3100");
  EXPECT_EQ(address(s.otlp_grpc), "127.0.0.1:4317");
  EXPECT_EQ(address(s.otlp_http), "127.0.0.1:4318");
  EXPECT_EQ(s.storage.path, "weft-data");
  EXPECT_FALSE(s.logs_auth);
  EXPECT_FALSE(s.traces_auth);
  EXPECT_EQ(s.storage.trace_retention_ns, 336 * 3600 * std::int64_t{1'000'000'000});
  EXPECT_EQ(loaded.log(LogLevel::info), "");
}

TEST(Settings, FlagsOfTheContract) {
  for (auto arguments : std::vector<std::vector<std::string>>{
           {"--storage.path=/d", "--http.address=0.0.0.0", "--http.port=0", "--otlp.grpc-port=0",
            "--otlp.http-port=1"},
           {"-storage.path", "/d", "-http.address", "0.0.0.0", "-http.port", "0", "-otlp.grpc-port", "0",
            "-otlp.http_port", "1", "-target=all"},
           {"-server.http-listen-port=0", "-server.http-listen-address=0.0.0.0", "--storage.path=/d",
            "--otlp.grpc-port=0", "--otlp.http-port=1"}}) {
    Loaded loaded = load(arguments);
    ASSERT_TRUE(loaded.settings) << loaded.error();
    EXPECT_EQ(address(loaded.settings->http[0]), "0.0.0.0:0");
    EXPECT_EQ(address(loaded.settings->otlp_grpc), "0.0.0.0:0");
    EXPECT_EQ(address(loaded.settings->otlp_http), "0.0.0.0:1");
    EXPECT_EQ(loaded.settings->storage.path, "/d");
  }
  EXPECT_TRUE(load({"-config.verify"}).settings->verify_only);
  EXPECT_TRUE(load({"-verify-config=true"}).settings->verify_only);
  EXPECT_TRUE(load({"-print-config-stderr"}).settings->print_config);
  EXPECT_TRUE(load({"--help"}).settings->help);
  EXPECT_EQ(load({"--otlp.grpc-enabled=false"}).settings->otlp_grpc.has_value(), false);
}

TEST(Settings, FlagErrorsAllAtOnce) {
  EXPECT_EQ(load({"--http.prot=1", "--http.port=x", "--http.port", "stray"}).error(),
            "unknown flag --http.prot; the nearest known flag is --http.port\n"
            "--http.port: http.port: 'x' is not a whole number\n"
            "--http.port: http.port: 'stray' is not a whole number");
  EXPECT_EQ(load({"stray"}).error(), "unexpected argument 'stray'");
  EXPECT_EQ(load({"--storage.path"}).error(), "--storage.path: needs a value");
  EXPECT_EQ(load({"--http.port=65536"}).error(),
            "--http.port: http.port: '65536' is not in range: 0 to 65535");
}

TEST(Settings, FlagsOfTheOthersAreTolerated) {
  Loaded loaded =
      load({"-ingester.max-transfer-retries", "3", "-mem-ballast-size-mbs=1024", "--http.port=1"});
  ASSERT_TRUE(loaded.settings) << loaded.error();
  EXPECT_EQ(loaded.settings->http[0].port, 1);
  EXPECT_NE(loaded.log(LogLevel::info).find("-ingester.max-transfer-retries: a flag of Loki or Tempo"),
            std::string::npos);
}

TEST(Settings, Precedence) {
  std::map<std::string, std::string> files = {
      {"weft.yaml", "http:\n  port: 2\nstorage: {path: /w}\n"},
      {"loki.yaml", "auth_enabled: false\nserver: {http_listen_port: 1}\n"}};
  config::Environment environment = {{"WEFT_HTTP_PORT", "3"}};
  std::vector<std::string> both = {"-config.file=weft.yaml", "-config.file=loki.yaml"};
  EXPECT_EQ(load({both[1]}, files).settings->http[0].port, 1);
  EXPECT_EQ(load(both, files).settings->http[0].port, 2);
  EXPECT_EQ(load(both, files, environment).settings->http[0].port, 3);
  both.emplace_back("-http.port=4");
  EXPECT_EQ(load(both, files, environment).settings->http[0].port, 4);
  EXPECT_EQ(load(both, files, environment).settings->storage.path, "/w");
}

constexpr const char* kTempo =
    "server: {http_listen_port: 3100}\n"
    "distributor: {receivers: {otlp: {protocols: {grpc: {endpoint: \"0.0.0.0:4317\"}, http: }}}}\n"
    "ingester: {trace_idle_period: 10s, max_block_bytes: 1048576, max_block_duration: 5m}\n"
    "compactor: {compaction: {block_retention: 48h}}\n"
    "storage: {trace: {backend: local, local: {path: /var/tempo/traces}, wal: {path: /var/tempo/wal}}}\n"
    "query_frontend: {search: {max_duration: 48h}}\n";

constexpr const char* kLoki =
    "auth_enabled: false\n"
    "server: {http_listen_port: 3100}\n"
    "ingester: {lifecycler: {ring: {kvstore: {store: inmemory}, replication_factor: 1}}, chunk_idle_period: "
    "5m}\n"
    "storage_config: {filesystem: {directory: /loki/chunks}}\n"
    "limits_config: {enforce_metric_name: false, reject_old_samples: false, reject_old_samples_max_age: 7d}\n"
    "table_manager: {retention_deletes_enabled: false, retention_period: 0s}\n";

constexpr std::int64_t kHourNs = std::int64_t{3600} * 1'000'000'000;

TEST(Settings, ATempoFile) {
  Loaded loaded = load({"-config.file=tempo.yaml"}, {{"tempo.yaml", kTempo}});
  ASSERT_TRUE(loaded.settings) << loaded.error();
  const Settings& s = *loaded.settings;
  EXPECT_EQ(address(s.http[0]), "0.0.0.0:3100");
  EXPECT_EQ(address(s.otlp_grpc), "0.0.0.0:4317");
  EXPECT_EQ(address(s.otlp_http), "0.0.0.0:4318");
  EXPECT_EQ(s.storage.path, "/var/tempo/traces/weft");
  EXPECT_EQ(s.ingest.limits.trace_retention_ns, 48 * kHourNs);
  EXPECT_EQ(s.storage.trace_retention_ns, 48 * kHourNs);
  EXPECT_EQ(s.ingest.limits.search_duration_max_ns, 48 * kHourNs);
  EXPECT_EQ(loaded.log(LogLevel::warn), "");
}

TEST(Settings, ALokiFile) {
  Loaded loaded = load({"-config.file=loki.yaml"}, {{"loki.yaml", kLoki}});
  ASSERT_TRUE(loaded.settings) << loaded.error();
  const Settings& s = *loaded.settings;
  EXPECT_EQ(address(s.http[0]), "0.0.0.0:3100");
  EXPECT_EQ(address(s.otlp_grpc), "off");
  EXPECT_EQ(s.storage.path, "/loki/chunks/weft");
  EXPECT_FALSE(s.ingest.limits.reject_old_samples);
  EXPECT_EQ(s.ingest.limits.old_samples_age_max_ns, 168 * kHourNs);
  EXPECT_FALSE(s.logs_auth);
  EXPECT_EQ(loaded.log(LogLevel::warn), "");
  EXPECT_NE(loaded.log(LogLevel::info)
                .find("loki.yaml:3:25: ingester.lifecycler.ring: weft has no rings; ignored\n"),
            std::string::npos)
      << loaded.log(LogLevel::info);
}

TEST(Settings, BothFiles) {
  std::map<std::string, std::string> files = {{"tempo.yaml", kTempo}, {"loki.yaml", kLoki}};
  Loaded loaded = load({"-config.file=tempo.yaml", "-config.file=loki.yaml"}, files);
  ASSERT_TRUE(loaded.settings) << loaded.error();
  ASSERT_EQ(loaded.settings->http.size(), 1U);
  EXPECT_EQ(address(loaded.settings->http[0]), "0.0.0.0:3100");
  EXPECT_EQ(address(loaded.settings->otlp_grpc), "0.0.0.0:4317");
  EXPECT_EQ(loaded.settings->storage.path, "/loki/chunks/weft");
  EXPECT_NE(loaded.log(LogLevel::warn).find("weft keeps one directory"), std::string::npos);

  files["tempo.yaml"].replace(files["tempo.yaml"].find("3100"), 4, "3200");
  loaded = load({"-config.file=loki.yaml", "-config.file=tempo.yaml"}, files);
  ASSERT_TRUE(loaded.settings) << loaded.error();
  ASSERT_EQ(loaded.settings->http.size(), 2U);
  EXPECT_EQ(address(loaded.settings->http[0]), "0.0.0.0:3100");
  EXPECT_EQ(address(loaded.settings->http[1]), "0.0.0.0:3200");
  loaded = load({"-config.file=loki.yaml", "-config.file=tempo.yaml", "-http.port=80"}, files);
  ASSERT_EQ(loaded.settings->http.size(), 1U);
  EXPECT_EQ(address(loaded.settings->http[0]), "0.0.0.0:80");
}

// "a.b.c" and a value as YAML.
std::string nested(std::string_view path, std::string_view value) {
  std::string out, indent;
  for (std::size_t dot = path.find('.'); dot != std::string_view::npos; dot = path.find('.')) {
    out += indent + std::string(path.substr(0, dot)) + ":\n";
    indent += "  ";
    path.remove_prefix(dot + 1);
  }
  return out + indent + std::string(path) + ": " + std::string(value) + "\n";
}

// Every key of the two programs that sets something: what it sets, as the effective configuration shows it.
TEST(Settings, EveryTranslatedKey) {
  struct Case {
    const char* file;
    const char* key;
    const char* value;
    const char* want;
  };
  const Case cases[] = {
      {"tempo.yaml", "multitenancy_enabled", "true", "require_for_traces: true"},
      {"tempo.yaml", "server.http_listen_address", "10.0.0.1", "address: 10.0.0.1"},
      {"tempo.yaml", "server.http_listen_address", "localhost", "address: 127.0.0.1"},
      {"tempo.yaml", "server.http_listen_port", "80", "port: 80"},
      {"tempo.yaml", "server.http_path_prefix", "/a/", "path_prefix: /a"},
      {"tempo.yaml", "http_api_prefix", "b", "path_prefix: /b"},
      {"tempo.yaml", "server.http_listen_conn_limit", "7", "connections_max: 7"},
      {"tempo.yaml", "server.http_server_idle_timeout", "3m", "idle_timeout: 3m"},
      {"tempo.yaml", "server.graceful_shutdown_timeout", "5s", "shutdown_grace: 5s"},
      {"tempo.yaml", "server.log_level", "debug", "level: debug"},
      {"tempo.yaml", "server.log_format", "json", "format: json"},
      {"tempo.yaml", "distributor.max_attribute_bytes", "4096", "attribute_bytes_max: 4KiB"},
      {"tempo.yaml", "distributor.receivers.otlp.protocols.grpc.endpoint", "'[::1]:9'",
       "grpc_address: \"::1\""},
      {"tempo.yaml", "distributor.receivers.otlp.protocols.grpc.endpoint", "':9'", "grpc_port: 9"},
      {"tempo.yaml", "distributor.receivers.otlp.protocols.grpc.endpoint", "h:9", "http_enabled: false"},
      {"tempo.yaml", "distributor.receivers.otlp.protocols.http", "", "http_address: 0.0.0.0"},
      {"tempo.yaml", "distributor.receivers.otlp.protocols.http", "", "grpc_enabled: false"},
      {"tempo.yaml", "distributor.receivers.otlp", "", "grpc_enabled: false"},
      {"tempo.yaml", "server.http_listen_port", "80", "grpc_enabled: true"},  // no receivers: Tempo's default
      {"tempo.yaml", "query_frontend.search.max_duration", "0s", "search_duration_max: 0s"},
      {"tempo.yaml", "query_frontend.search.max_result_limit", "9", "search_limit_max: 9"},
      {"tempo.yaml", "overrides.ingestion_rate_limit_bytes", "1024", "span_bytes_per_second: 1KiB"},
      {"tempo.yaml", "overrides.ingestion_burst_size_bytes", "1024", "span_burst_bytes: 1KiB"},
      {"tempo.yaml", "overrides.max_bytes_per_trace", "1024", "trace_bytes_max: 1KiB"},
      {"tempo.yaml", "overrides.max_search_duration", "1h", "search_duration_max: 1h"},
      {"tempo.yaml", "overrides.defaults.read.max_search_duration", "0s", "search_duration_max: 168h"},
      {"tempo.yaml", "overrides.defaults.ingestion.rate_limit_bytes", "1024", "span_bytes_per_second: 1KiB"},
      {"tempo.yaml", "overrides.defaults.ingestion.burst_size_bytes", "1024", "span_burst_bytes: 1KiB"},
      {"tempo.yaml", "overrides.defaults.ingestion.max_attribute_bytes", "1024", "attribute_bytes_max: 1KiB"},
      {"tempo.yaml", "overrides.defaults.global.max_bytes_per_trace", "0", "trace_bytes_max: 0"},
      {"tempo.yaml", "overrides.defaults.compaction.block_retention", "5h", "traces: 5h"},
      {"tempo.yaml", "overrides.block_retention", "5h", "traces: 5h"},
      {"tempo.yaml", "compactor.compaction.block_retention", "14d", "traces: 336h"},
      {"tempo.yaml", "backend_worker.compaction.block_retention", "5h", "traces: 5h"},
      {"tempo.yaml", "backend_scheduler.provider.compaction.compaction.block_retention", "5h", "traces: 5h"},
      {"tempo.yaml", "storage.trace.local.path", "/t/", "path: /t/weft"},
      {"loki.yaml", "auth_enabled", "false", "require_for_logs: false"},
      {"loki.yaml", "target", "all", "require_for_logs: true"},
      {"loki.yaml", "server.http_listen_port", "80", "port: 80"},
      {"loki.yaml", "server.http_listen_conn_limit", "7", "connections_max: 7"},
      {"loki.yaml", "server.http_server_idle_timeout", "3m", "idle_timeout: 3m"},
      {"loki.yaml", "server.graceful_shutdown_timeout", "5s", "shutdown_grace: 5s"},
      {"loki.yaml", "server.log_level", "warn", "level: warn"},
      {"loki.yaml", "server.log_format", "json", "format: json"},
      {"loki.yaml", "distributor.max_recv_msg_size", "100MB", "body_bytes_max: 100MiB"},
      {"loki.yaml", "distributor.max_decompressed_size", "1GiB", "decompressed_bytes_max: 1GiB"},
      {"loki.yaml", "limits_config.ingestion_rate_mb", "4", "log_bytes_per_second: 4MiB"},
      {"loki.yaml", "limits_config.ingestion_burst_size_mb", "1.5", "log_burst_bytes: 1536KiB"},
      {"loki.yaml", "limits_config.max_label_name_length", "9", "label_name_bytes_max: 9"},
      {"loki.yaml", "limits_config.max_label_value_length", "9", "label_value_bytes_max: 9"},
      {"loki.yaml", "limits_config.max_label_names_per_series", "30", "label_names_per_stream_max: 30"},
      {"loki.yaml", "limits_config.max_line_size", "256KB", "line_bytes_max: 256KiB"},
      {"loki.yaml", "limits_config.max_line_size", "1048576", "line_bytes_max: 1MiB"},
      {"loki.yaml", "limits_config.max_structured_metadata_size", "3m", "metadata_bytes_max: 3MiB"},
      {"loki.yaml", "limits_config.max_structured_metadata_size", "1KiB", "metadata_bytes_max: 1KiB"},
      {"loki.yaml", "limits_config.max_structured_metadata_entries_count", "9", "metadata_entries_max: 9"},
      {"loki.yaml", "limits_config.reject_old_samples", "false", "reject_old_samples: false"},
      {"loki.yaml", "limits_config.reject_old_samples_max_age", "2w", "old_samples_age_max: 336h"},
      {"loki.yaml", "limits_config.creation_grace_period", "1m", "future_grace: 1m"},
      {"loki.yaml", "limits_config.max_global_streams_per_user", "9", "streams_max: 9"},
      {"loki.yaml", "limits_config.max_entries_limit_per_query", "9", "entries_per_query_max: 9"},
      {"loki.yaml", "limits_config.max_query_series", "9", "query_series_max: 9"},
      {"loki.yaml", "limits_config.max_concurrent_tail_requests", "3", "tails_max: 3"},
      {"loki.yaml", "querier.tail_max_duration", "2h", "tail_duration_max: 2h"},
      {"loki.yaml", "limits_config.max_query_length", "721h", "query_length_max: 721h"},
      {"loki.yaml", "limits_config.max_query_length", "0", "query_length_max: 876000h"},
      {"loki.yaml", "limits_config.query_timeout", "5m", "query_timeout: 5m"},
      {"loki.yaml", "limits_config.discover_service_name", "[]", "service_name_labels: []"},
      {"loki.yaml", "limits_config.discover_service_name", "[a, b]", "service_name_labels: [a, b]"},
      {"loki.yaml", "limits_config.discover_log_levels", "false", "discover_levels: false"},
      {"loki.yaml", "common.path_prefix", "/l", "path: /l/weft"},
      {"loki.yaml", "common.storage.filesystem.chunks_directory", "/l", "path: /l/weft"},
      {"loki.yaml", "storage_config.filesystem.directory", "/", "path: /weft"},
      {"loki.yaml", "storage_config.object_store.filesystem.dir", "/l", "path: /l/weft"},
  };
  for (const Case& c : cases) {
    Loaded loaded = load({std::string("-config.file=") + c.file}, {{c.file, nested(c.key, c.value)}});
    ASSERT_TRUE(loaded.settings) << c.key << ": " << loaded.error();
    EXPECT_NE(loaded.settings->effective_yaml.find(std::string("  ") + c.want + "\n"), std::string::npos)
        << c.file << " " << c.key << "\n"
        << loaded.settings->effective_yaml;
  }
}

TEST(Settings, ErrorsOfFiles) {
  struct Case {
    const char* file;
    const char* text;
    const char* want;
  };
  const Case cases[] = {
      {"tempo.yaml", "server: {http_listen_port: 99999, log_level: loud}\nstorage: {trase: }\n",
       "tempo.yaml:2:11: unknown key 'storage.trase'; the nearest known key is 'storage.trace'\n"
       "tempo.yaml:1:46: server.log_level: log.level: 'loud' is not debug, info, warn or error\n"
       "tempo.yaml:1:10: server.http_listen_port: http.port: '99999' is not in range: 0 to 65535"},
      {"loki.yaml", "limits_config: {max_query_length: long}\n",
       "loki.yaml:1:35: limits_config.max_query_length: limits.query_length_max: 'long' is not a duration "
       "such as "
       "30s, 1h30m or 14d"},
      {"weft.yaml", "http: {port: 1, prot: 2}\nhttps: {}\n",
       "weft.yaml:1:17: unknown key 'http.prot'; the nearest known key is 'http.port'\n"
       "weft.yaml:2:1: unknown key 'https'; the nearest known key is 'http'"},
      {"weft.yaml", "http: {port: 1}\nhttp: {port: 2}\n",
       "weft.yaml:2:1: key 'http' again: it is already in line 1; remove one of them"},
      {"weft.yaml", "http: {also_listen: [nowhere]}\n",
       "http.also_listen: 'nowhere' is not ADDRESS:PORT or ADDRESS:PORT/PREFIX"},
      {"weft.yaml", "http: {path_prefix: weft}\n", "http.path_prefix: 'weft' is not a path such as /weft"},
      {"promtail.yaml", "clients: [{url: http://loki:3100/loki/api/v1/push}]\nscrape_configs: []\n",
       "promtail.yaml: this is a Promtail configuration: it tells an agent what to collect, not a server "
       "what to do; "
       "`weft serve` takes files of Tempo, Loki and its own"},
      {"x.yaml", "apiVersion: 1\ndatasources: []\n",
       "x.yaml: these are data sources for Grafana, not settings of a server"},
      {"x.yaml", "server: {http_listen_port: 1}\n",
       "x.yaml: cannot tell whether this is a file of Tempo, Loki or weft; call it tempo.yaml, loki.yaml or "
       "weft.yaml"},
  };
  for (const Case& c : cases)
    EXPECT_EQ(load({std::string("-config.file=") + c.file}, {{c.file, c.text}}).error(), c.want) << c.text;
  EXPECT_EQ(load({"-config.file=none.yaml"}).error(), "none.yaml: no such file");
}

TEST(Settings, VariablesInFiles) {
  const config::Environment environment = {{"PORT", "81"}, {"DIR", "/env"}};
  const std::map<std::string, std::string> files = {
      {"loki.yaml",
       "auth_enabled: false\nserver: {http_listen_port: ${PORT}}\ncommon: {path_prefix: \"${DIR:/x}\"}\n"},
      {"weft.yaml", "http:\n  port: ${PORT:80}\nstorage:\n  path: ${NONE:-/y}\n"}};
  EXPECT_EQ(load({"-config.file=weft.yaml"}, files, environment).settings->http[0].port, 81);
  EXPECT_EQ(load({"-config.file=weft.yaml"}, files).settings->http[0].port, 80);
  EXPECT_EQ(load({"-config.file=weft.yaml"}, files).settings->storage.path, "/y");
  Loaded loaded = load({"-config.file=loki.yaml", "-config.expand-env=true"}, files, environment);
  ASSERT_TRUE(loaded.settings) << loaded.error();
  EXPECT_EQ(loaded.settings->http[0].port, 81);
  EXPECT_EQ(loaded.settings->storage.path, "/env/weft");
  EXPECT_NE(load({"-config.file=loki.yaml"}, files, environment).error(), "");  // ${PORT} as it stands
}

TEST(Settings, ListenersOfSeveralFiles) {
  std::map<std::string, std::string> files = {
      {"tempo.yaml", "server: {http_listen_port: 3200}\nhttp_api_prefix: /tempo\n"},
      {"loki.yaml",
       "auth_enabled: false\nserver: {http_listen_port: 3100, http_listen_address: 127.0.0.1}\n"}};
  const std::vector<std::string> both = {"-config.file=tempo.yaml", "-config.file=loki.yaml"};
  auto listeners = [&](std::vector<std::string> more) {
    more.insert(more.begin(), both.begin(), both.end());
    Loaded loaded = load(more, files);
    if (!loaded.settings) return loaded.error();
    std::string out;
    for (const net::ServerOptions& each : loaded.settings->http) out += address(each) + " ";
    return out + address(loaded.settings->otlp_grpc);
  };
  EXPECT_EQ(listeners({}), "0.0.0.0:3200/tempo 127.0.0.1:3100 0.0.0.0:4317");
  EXPECT_EQ(listeners({"--http.address=10.0.0.1"}), "10.0.0.1:3200/tempo 10.0.0.1:3100 0.0.0.0:4317");
  EXPECT_EQ(listeners({"--http.port=9"}), "0.0.0.0:9/tempo 0.0.0.0:4317");
  EXPECT_EQ(listeners({"--http.also-listen=[::1]:7/x"}), "0.0.0.0:3200/tempo ::1:7/x 0.0.0.0:4317");
  files["loki.yaml"] = "auth_enabled: false\nserver: {http_listen_port: 3200}\n";
  EXPECT_EQ(listeners({}), "0.0.0.0:3200/tempo 0.0.0.0:4317");
  files["loki.yaml"] = "auth_enabled: false\nserver: {http_listen_port: 3200, http_path_prefix: /loki}\n";
  EXPECT_EQ(
      listeners({}),
      "tempo.yaml and loki.yaml want port 3200 with the path prefixes '/tempo' and '/loki'; give one of them "
      "another port");
  // A Loki file alone opens no OTLP ports, unless somebody asks for one.
  EXPECT_EQ(address(load({both[1]}, files).settings->otlp_grpc), "off");
  EXPECT_EQ(address(load({both[1], "--otlp.grpc-port=5"}, files).settings->otlp_grpc), "0.0.0.0:5");
}

TEST(Settings, TheEffectiveConfigurationReadsBack) {
  Loaded first = load({"--http.port=7", "--storage.path=/a b", "--retention.logs=30d"});
  ASSERT_TRUE(first.settings) << first.error();
  Loaded second = load({"-config.file=weft.yaml"}, {{"weft.yaml", first.settings->effective_yaml}});
  ASSERT_TRUE(second.settings) << second.error();
  EXPECT_EQ(first.settings->effective_yaml, second.settings->effective_yaml);
  EXPECT_EQ(second.settings->storage.path, "/a b");
}

// The guide's own files, where they are at hand.
TEST(Settings, FilesOfTheGuide) {
  for (std::string directory : {"../shared/seed", "tests/seed"}) {
    PosixFileSystem files;
    if (!files.list(directory) || !read_file(files, directory + "/tempo.yaml")) continue;
    std::vector<config::Note> notes;
    auto settings = load_settings(
        {"-config.file=" + directory + "/tempo.yaml", "-config.file=" + directory + "/loki.yaml"}, {}, files,
        notes);
    ASSERT_TRUE(settings) << settings.error().message();
    EXPECT_EQ(address(settings->http[0]), "0.0.0.0:3100");
    EXPECT_EQ(address(settings->otlp_grpc), "0.0.0.0:4317");
    EXPECT_EQ(address(settings->otlp_http), "0.0.0.0:4318");
    EXPECT_EQ(settings->ingest.limits.trace_retention_ns, 48 * kHourNs);
  }
}

}  // namespace
}  // namespace weft::app

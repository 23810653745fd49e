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
  EXPECT_TRUE(s.ui);
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

#include "config/compat.h"

#include <gtest/gtest.h>

namespace weft::config {
namespace {

text::YamlNode parse(std::string_view text) {
  auto root = text::parse_yaml(text, "f");
  EXPECT_TRUE(root) << text;
  return root ? *root : text::YamlNode();
}

// Findings of a kind, "line:column key: text" each.
std::string findings(Program program, std::string_view text, Finding::Kind kind) {
  std::string out;
  for (const Finding& finding : translate(program, parse(text)).findings) {
    if (finding.kind != kind || finding.mark.line == 0) continue;
    out += std::to_string(finding.mark.line) + ":" + std::to_string(finding.mark.column) + " " + finding.key +
           ": " + finding.text + "\n";
  }
  return out;
}

TEST(Recognise, ByKeysThenByName) {
  struct Case {
    const char* file;
    const char* text;
    Program want;
  };
  const Case cases[] = {
      {"a.yaml", "storage: {trace: {backend: local}}", Program::tempo},
      {"a.yaml", "server: {http_listen_port: 1}\ndistributor: {receivers: {}}", Program::tempo},
      {"a.yaml", "server: {http_listen_port: 1}\nauth_enabled: false\nschema_config: {}", Program::loki},
      {"a.yaml", "ingester: {trace_idle_period: 1s}", Program::tempo},
      {"a.yaml", "ingester: {chunk_idle_period: 1s}", Program::loki},
      {"a.yaml", "compactor: {retention_enabled: true}", Program::loki},
      {"a.yaml", "storage: {path: /x}", Program::weft},
      {"a.yaml", "http: {port: 1}", Program::weft},
      {"a.yaml", "", Program::weft},
      {"x/weft.yaml", "server: {}", Program::weft},
      {"a.yaml", "server: {http_listen_port: 1}", Program::unknown},
      {"tempo.yaml", "server: {http_listen_port: 1}", Program::tempo},
      {"etc/loki-1.yaml", "server: {http_listen_port: 1}", Program::loki},
      {"tempo/x.yaml", "server: {http_listen_port: 1}", Program::unknown},
      {"loki.yaml", "storage: {trace: {backend: local}}", Program::tempo},
      {"a.yaml", "nothing: known", Program::unknown},
      {"a.yaml", "server: {}\nclients: [{url: x}]\nscrape_configs: []", Program::promtail},
      {"a.yaml", "apiVersion: 1\ndatasources: []", Program::grafana_datasources},
      {"tempo.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}", Program::kubernetes},
  };
  const std::vector<std::string> own = {"http.port", "storage.path"};
  for (const Case& c : cases)
    EXPECT_EQ(recognise(parse(c.text), c.file, own), c.want) << c.file << "\n" << c.text;
}

TEST(Translate, UnknownKeysNameTheNearest) {
  struct Case {
    Program program;
    const char* text;
    const char* want;
  };
  const Case cases[] = {
      {Program::tempo, "server:\n  http_listen_prot: 1\n",
       "2:3 server.http_listen_prot: unknown key 'server.http_listen_prot'; the nearest known key is "
       "'server.http_listen_port'\n"},
      {Program::tempo, "ingestor: {}\n",
       "1:1 ingestor: unknown key 'ingestor'; the nearest known key is 'ingester'\n"},
      {Program::tempo, "storage: {trace: {local: {pth: /x}}}\n",
       "1:27 storage.trace.local.pth: unknown key 'storage.trace.local.pth'; the nearest known key is "
       "'storage.trace.local.path'\n"},
      {Program::tempo, "block_retention: 1h\n",  // right, but in the wrong place
       "1:1 block_retention: unknown key 'block_retention'; the nearest known key is "
       "'overrides.block_retention'\n"},
      {Program::tempo, "distributor: {receivers: {otlp: {protocols: {grpcs: }}}}\n",
       "1:46 distributor.receivers.otlp.protocols.grpcs: unknown key "
       "'distributor.receivers.otlp.protocols.grpcs'; the nearest known key is "
       "'distributor.receivers.otlp.protocols.grpc'\n"},
      {Program::loki, "limits_config:\n  reject_old_sample: true\n  max_line_sise: 1\n",
       "2:3 limits_config.reject_old_sample: unknown key 'limits_config.reject_old_sample'; the nearest "
       "known key is "
       "'limits_config.reject_old_samples'\n"
       "3:3 limits_config.max_line_sise: unknown key 'limits_config.max_line_sise'; the nearest known key is "
       "'limits_config.max_line_size'\n"},
      {Program::loki, "retention_period: 744h\n",
       "1:1 retention_period: unknown key 'retention_period'; the nearest known key is "
       "'limits_config.retention_period'\n"},
      {Program::loki, "schema_config: {configs: [{from: x, stroe: tsdb}]}\n",
       "1:37 schema_config.configs[].stroe: unknown key 'schema_config.configs[].stroe'; the nearest known "
       "key is "
       "'schema_config.configs[].store'\n"},
      {Program::loki, "table_manager: {retention_perod: 0s}\n",
       "1:17 table_manager.retention_perod: unknown key 'table_manager.retention_perod'; the nearest known "
       "key is "
       "'table_manager.retention_period'\n"},
      {Program::loki, "server: 3100\n", "1:1 server: expected a map of keys\n"},
      {Program::loki, "- a\n", "1:1 : expected a map of keys\n"},
      {Program::loki, "server: {log_level: {a: b}}\n", "1:21 server.log_level: expected one value\n"},
      {Program::loki, "schema_config: {configs: {from: x}}\n",
       "1:17 schema_config.configs: expected a list\n"},
      {Program::loki, "limits_config: {ingestion_rate_mb: fast}\n",
       "1:36 limits_config.ingestion_rate_mb: 'fast' is not a number of megabytes from 0 to 1e9\n"},
      {Program::tempo, "distributor: {receivers: {otlp: {protocols: {grpc: {endpoint: 4317}}}}}\n",
       "1:63 distributor.receivers.otlp.protocols.grpc.endpoint: '4317' is not an address and a port such as "
       "0.0.0.0:4317\n"},
      // Below what is accepted as a whole nothing is unknown.
      {Program::loki,
       "memberlist: {anything: 1}\nruler: {x: {y: z}}\nlimits_config: {ruler_remote_write_x: 1}\n", ""},
      {Program::tempo, "metrics_generator: {processor: {x: y}}\ncache: {caches: [{a: b}]}\n", ""},
  };
  for (const Case& c : cases)
    EXPECT_EQ(findings(c.program, c.text, Finding::Kind::problem), c.want) << c.text;
}

TEST(Translate, KeysWithoutEffectSayWhy) {
  EXPECT_EQ(
      findings(Program::loki,
               "ingester: {lifecycler: {ring: {kvstore: {store: inmemory}}, final_sleep: 0s}}\n"
               "table_manager: {retention_deletes_enabled: false}\n",
               Finding::Kind::ignored),
      "1:25 ingester.lifecycler.ring: weft has no rings; ignored\n"
      "1:61 ingester.lifecycler.final_sleep: weft is one process, its parts need no addresses of each other; "
      "ignored\n"
      "2:1 table_manager: weft has no tables; limits_config.retention_period with "
      "compactor.retention_enabled: true is what deletes; ignored\n");
  EXPECT_EQ(findings(Program::tempo, "distributor: {receivers: {zipkin: , jaeger: {protocols: {grpc: }}}}\n",
                     Finding::Kind::warning),
            "1:27 distributor.receivers.zipkin: this receiver is not there yet; ignored\n"
            "1:37 distributor.receivers.jaeger: this receiver is not there yet; ignored\n");
}

// Loki removes nothing unless two keys agree.
TEST(Translate, RetentionOfLoki) {
  struct Case {
    const char* text;
    const char* applied;
    const char* warned;
  };
  const Case cases[] = {
      {"compactor: {retention_enabled: true}\nlimits_config: {retention_period: 744h}\n",
       "1:13 compactor.retention_enabled: limits_config.retention_period is obeyed\n"
       "2:17 limits_config.retention_period: retention.logs = 744h\n",
       ""},
      {"limits_config: {retention_period: 744h}\n", "",
       "1:17 limits_config.retention_period: deletes nothing without compactor.retention_enabled: true, as "
       "in Loki; "
       "ignored\n"},
      {"compactor: {retention_enabled: true}\n", "",
       "1:13 compactor.retention_enabled: limits_config.retention_period is not set: logs are kept for "
       "ever\n"},
      {"compactor: {retention_enabled: true}\nlimits_config: {retention_period: 0s}\n",
       "2:17 limits_config.retention_period: retention.logs = 0s\n",
       "1:13 compactor.retention_enabled: limits_config.retention_period is not set: logs are kept for "
       "ever\n"},
      {"table_manager: {retention_deletes_enabled: true, retention_period: 24h}\n", "",
       "1:17 table_manager.retention_deletes_enabled: deletes nothing, nor did it in Loki's single binary; "
       "ignored\n"},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(findings(Program::loki, c.text, Finding::Kind::applied), c.applied) << c.text;
    EXPECT_EQ(findings(Program::loki, c.text, Finding::Kind::warning), c.warned) << c.text;
  }
}

}  // namespace
}  // namespace weft::config

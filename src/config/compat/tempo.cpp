#include <fmt/format.h>

#include "config/compat/keys.h"
#include "config/compat/server_keys.h"
#include "text/units.h"

// What Tempo's keys mean here, from 2.3 to today. Source: Tempo's documentation of its configuration,
// as gathered in the project's notes on compatibility.

namespace weft::config::compat {
namespace {

using text::YamlEntry;
using text::YamlMark;
using text::YamlNode;

constexpr Sets kSets[] = {
    {"multitenancy_enabled", "tenants.require_for_traces"},
    {"auth_enabled", "tenants.require_for_traces"},
    {"server.http_listen_conn_limit", "http.connections_max", As::zero_unlimited},
    {"server.http_server_idle_timeout", "http.idle_timeout"},
    {"server.graceful_shutdown_timeout", "http.shutdown_grace"},
    {"server.log_level", "log.level"},
    {"server.log_format", "log.format"},
    {"distributor.max_attribute_bytes", "limits.attribute_bytes_max", As::zero_unlimited},
    {"distributor.max_span_attr_byte", "limits.attribute_bytes_max", As::zero_unlimited},
    {"query_frontend.search.max_duration", "limits.search_duration_max"},
    {"query_frontend.search.max_result_limit", "limits.search_limit_max", As::zero_unlimited},
    {"overrides.ingestion_rate_limit_bytes", "limits.span_bytes_per_second"},
    {"overrides.ingestion_burst_size_bytes", "limits.span_burst_bytes"},
    {"overrides.max_bytes_per_trace", "limits.trace_bytes_max"},
    {"overrides.max_search_duration", "limits.search_duration_max", As::overrides},
    {"overrides.defaults.read.max_search_duration", "limits.search_duration_max", As::overrides},
    {"overrides.defaults.ingestion.max_attribute_bytes", "limits.attribute_bytes_max", As::overrides},
    {"overrides.defaults.ingestion.rate_limit_bytes", "limits.span_bytes_per_second"},
    {"overrides.defaults.ingestion.burst_size_bytes", "limits.span_burst_bytes"},
    {"overrides.defaults.global.max_bytes_per_trace", "limits.trace_bytes_max"},
};

constexpr Ignores kIgnores[] = {
    {"weft has no rings", Loss::none,
     "distributor.ring.** distributor.override_ring_key ingester.lifecycler.ring.** "
     "ingester.override_ring_key "
     "compactor.ring.** compactor.override_ring_key metrics_generator.ring.** "
     "metrics_generator.override_ring_key "
     "querier.partition_ring.** querier.secondary_ingester_ring live_store.ring.** "
     "live_store.partition_ring.** "
     "backend_worker.ring.** backend_worker.override_ring_key ingest.partition_ring.** partition_ring.**"},
    {"weft is one process, its parts need no addresses of each other", Loss::none,
     "memberlist.** ingester_client.** metrics_generator_client.** live_store_client.** "
     "backend_scheduler_client.** "
     "querier.frontend_worker.** internal_server.** ingester.lifecycler.num_tokens "
     "ingester.lifecycler.heartbeat_period ingester.lifecycler.heartbeat_timeout "
     "ingester.lifecycler.observe_period "
     "ingester.lifecycler.join_after ingester.lifecycler.min_ready_duration "
     "ingester.lifecycler.interface_names "
     "ingester.lifecycler.enable_inet6 ingester.lifecycler.final_sleep ingester.lifecycler.tokens_file_path "
     "ingester.lifecycler.availability_zone ingester.lifecycler.unregister_on_shutdown "
     "ingester.lifecycler.readiness_check_ring_health ingester.lifecycler.address ingester.lifecycler.port "
     "ingester.lifecycler.id distributor.extend_writes ingester.flush_object_storage "
     "backend_scheduler.maintenance_*"
     " backend_scheduler.tenant_measurement_interval backend_scheduler.backend_flush_interval "
     "backend_scheduler.local_work_path backend_scheduler.job_timeout backend_scheduler.work.**"},
    {"weft writes to its own log, not to Kafka", Loss::none,
     "ingest.** block_builder.** distributor.kafka_* distributor.ingester_write_path_enabled "
     "distributor.kafka_config.** ingester.local_wal.**"},
    {"weft shows spans at once and cuts blocks by its own rules", Loss::none,
     "ingester.trace_idle_period ingester.trace_live_period ingester.max_block_duration "
     "ingester.max_block_bytes "
     "ingester.complete_block_timeout ingester.flush_check_period ingester.flush_op_timeout "
     "ingester.concurrent_flushes ingester.flush_all_on_shutdown ingester.dedicated_columns.** "
     "ingester.autocomplete_filtering_enabled ingester.use_flatbuffer_search live_store.**"},
    {"weft keeps its data in its own format in one directory, storage.path", Loss::none,
     "storage.trace.wal.** storage.trace.block.** storage.trace.search.** storage.trace.pool.** "
     "storage.trace.blocklist_poll* storage.trace.empty_tenant_deletion_* "
     "overrides.defaults.storage.**"},
    {"weft keeps blocks on the local disk; object storage is not there yet", Loss::noticeable,
     "storage.trace.s3.** storage.trace.gcs.** storage.trace.azure.**"},
    {"weft needs no cache beside it", Loss::none,
     "cache.** storage.trace.cache storage.trace.cache_* storage.trace.background_cache.** "
     "storage.trace.memcached.** "
     "storage.trace.redis.** storage.trace.local.cache"},
    {"weft merges blocks by its own rules", Loss::none,
     "compactor.disabled compactor.compaction.compaction_window compactor.compaction.max_block_bytes "
     "compactor.compaction.max_compaction_objects compactor.compaction.compacted_block_retention "
     "compactor.compaction.compaction_cycle compactor.compaction.retention_concurrency "
     "compactor.compaction.max_time_per_tenant compactor.compaction.v2_* "
     "compactor.compaction.chunk_size_bytes "
     "compactor.compaction.flush_size_bytes compactor.compaction.iterator_buffer_size "
     "compactor.compaction.min_input_blocks compactor.compaction.max_input_blocks "
     "compactor.compaction.max_compaction_range compactor.compaction.max_jobs_per_tenant "
     "backend_worker.compaction.compaction_window backend_worker.compaction.max_block_bytes "
     "backend_worker.compaction.max_compaction_objects backend_worker.compaction.compacted_block_retention "
     "backend_worker.compaction.compaction_cycle backend_worker.compaction.retention_concurrency "
     "backend_worker.compaction.max_time_per_tenant backend_worker.compaction.v2_* "
     "backend_worker.compaction.min_input_blocks backend_worker.compaction.max_input_blocks "
     "backend_worker.compaction.max_compaction_range backend_worker.backend_scheduler_addr "
     "backend_worker.backend.** backend_worker.finish_on_shutdown_timeout backend_worker.retention_interval "
     "backend_scheduler.provider.retention.** backend_scheduler.provider.redaction.** "
     "backend_scheduler.provider.compaction.max_jobs_per_tenant "
     "backend_scheduler.provider.compaction.min_input_blocks "
     "backend_scheduler.provider.compaction.max_input_blocks "
     "backend_scheduler.provider.compaction.measure_interval "
     "backend_scheduler.provider.compaction.min_cycle_interval "
     "backend_scheduler.provider.compaction.max_compaction_level "
     "backend_scheduler.provider.compaction.compaction.compaction_window "
     "backend_scheduler.provider.compaction.compaction.max_block_bytes "
     "backend_scheduler.provider.compaction.compaction.max_compaction_objects "
     "backend_scheduler.provider.compaction.compaction.compacted_block_retention "
     "backend_scheduler.provider.compaction.compaction.compaction_cycle "
     "backend_scheduler.provider.compaction.compaction.retention_concurrency "
     "backend_scheduler.provider.compaction.compaction.max_time_per_tenant "
     "backend_scheduler.provider.compaction.compaction.v2_* "
     "backend_scheduler.provider.compaction.compaction.min_input_blocks "
     "backend_scheduler.provider.compaction.compaction.max_input_blocks "
     "backend_scheduler.provider.compaction.compaction.max_compaction_range "
     "overrides.defaults.compaction.compaction_window overrides.defaults.compaction.compaction_disabled "
     "overrides.compaction_*"},
    {"a query runs in this process, with the cores and the memory there are", Loss::none,
     "querier.max_concurrent_queries querier.search.** querier.trace_by_id.** querier.metrics.** "
     "querier.query_relevant_ingesters querier.shuffle_sharding_ingesters_* querier.query_live_store "
     "querier.extra_query_delay querier.query_timeout querier.search_* "
     "query_frontend.max_outstanding_per_tenant query_frontend.querier_forget_delay "
     "query_frontend.max_batch_size "
     "query_frontend.max_retries query_frontend.tolerate_failed_blocks query_frontend.query_shards "
     "query_frontend.response_consumers query_frontend.weights.** query_frontend.rf1_after "
     "query_frontend.trace_by_id.** query_frontend.metrics.** query_frontend.mcp_server.** "
     "query_frontend.max_grpc_streaming_packet_size query_frontend.query_end_cutoff "
     "query_frontend.search.concurrent_jobs query_frontend.search.target_bytes_per_job "
     "query_frontend.search.query_ingesters_until query_frontend.search.query_backend_after "
     "query_frontend.search.ingester_shards query_frontend.search.most_recent_shards "
     "query_frontend.search.duration_slo query_frontend.search.throughput_bytes_slo "
     "query_frontend.search.metadata_slo.** query_frontend.search.streaming_shards"},
    {"weft answers with Tempo's defaults unless a request says otherwise", Loss::none,
     "query_frontend.search.default_result_limit query_frontend.search.default_spans_per_span_set "
     "query_frontend.search.max_spans_per_span_set query_frontend.max_query_expression_size_bytes "
     "query_frontend.api_timeout query_frontend.log_query_request_headers "
     "query_frontend.multi_tenant_queries_enabled "
     "query_frontend.url_deny_list stream_over_http_enabled"},
    {"this receiver is not there yet", Loss::noticeable,
     "distributor.receivers.jaeger.** distributor.receivers.zipkin.** distributor.receivers.kafka.** "
     "distributor.receivers.opencensus.**"},
    {"metrics from spans are not there yet", Loss::noticeable,
     "metrics_generator.** overrides.metrics_generator_* overrides.defaults.metrics_generator.**"},
    {"sending spans on to others is not there yet", Loss::noticeable,
     "distributor.forwarders.** overrides.forwarders.** overrides.defaults.forwarders.**"},
    {"limits for single tenants are not there yet; overrides.defaults are for all", Loss::noticeable,
     "overrides.per_tenant_override_config overrides.per_tenant_override_period "
     "overrides.user_configurable_overrides.**"},
    {"weft has no such limit", Loss::none,
     "overrides.ingestion_rate_strategy overrides.ingestion_tenant_shard_size overrides.max_traces_per_user "
     "overrides.max_global_traces_per_user overrides.max_search_bytes_per_trace "
     "overrides.max_bytes_per_tag_values_query overrides.max_blocks_per_tag_values_query "
     "overrides.search_tags_allow_list.** overrides.unsafe_query_hints overrides.enable_legacy_overrides "
     "overrides.defaults.ingestion.rate_strategy overrides.defaults.ingestion.max_traces_per_user "
     "overrides.defaults.ingestion.max_global_traces_per_user "
     ""
     "overrides.defaults.ingestion.retry_info_enabled overrides.defaults.ingestion.tenant_shard_size "
     "overrides.defaults.ingestion.artificial_delay overrides.defaults.read.max_bytes_per_tag_values_query "
     "overrides.defaults.read.max_blocks_per_tag_values_query "
     "overrides.defaults.read.max_condition_groups_per_tag_query "
     "overrides.defaults.read.max_metrics_duration overrides.defaults.read.unsafe_query_hints "
     "overrides.defaults.read.left_pad_trace_ids overrides.defaults.read.metrics_spanonly_fetch "
     "overrides.defaults.read.search_tags_allow_list.** "
     "overrides.defaults.cost_attribution.** overrides.cost_attribution.** distributor.artificial_delay "
     "distributor.retry_after_on_resource_exhausted distributor.search_tags_deny_list.** "
     "distributor.usage.**"},
    {"weft does not log spans", Loss::none,
     "distributor.log_received_traces distributor.log_received_spans.** distributor.log_discarded_spans.** "
     "distributor.metric_received_spans.**"},
    {"weft reports to nobody", Loss::none, "usage_report.**"},
    {"always on here", Loss::none, "search_enabled autocomplete_filtering_enabled"},
    {"one process does everything", Loss::none, "target"},
    {"without meaning here", Loss::none,
     "metrics_generator_enabled use_otel_tracer enable_go_runtime_metrics shutdown_delay memory.** "
     "span_profiling "
     "health"},
    {kServerGrpcPort, Loss::none, kServerGrpcPortKeys},
    {kServerTls, Loss::noticeable, kServerTlsKeys},
    {kServerOwnBounds, Loss::none, kServerOwnBoundsKeys},
    {kServerLogs, Loss::none, kServerLogsKeys},
    {"weft's own bounds are http.body_bytes_max and its neighbours", Loss::none,
     "distributor.receivers.otlp.protocols.grpc.max_recv_msg_size_mib "
     "distributor.receivers.otlp.protocols.grpc.max_concurrent_streams "
     "distributor.receivers.otlp.protocols.grpc.read_buffer_size "
     "distributor.receivers.otlp.protocols.grpc.write_buffer_size "
     "distributor.receivers.otlp.protocols.grpc.keepalive.** "
     "distributor.receivers.otlp.protocols.grpc.transport "
     "distributor.receivers.otlp.protocols.grpc.include_metadata "
     "distributor.receivers.otlp.protocols.grpc.dialer.** "
     "distributor.receivers.otlp.protocols.grpc.middlewares.** "
     "distributor.receivers.otlp.protocols.http.max_request_body_size "
     "distributor.receivers.otlp.protocols.http.include_metadata "
     "distributor.receivers.otlp.protocols.http.compression_algorithms.** "
     "distributor.receivers.otlp.protocols.http.response_headers.** "
     "distributor.receivers.otlp.protocols.http.read_timeout "
     "distributor.receivers.otlp.protocols.http.read_header_timeout "
     "distributor.receivers.otlp.protocols.http.write_timeout "
     "distributor.receivers.otlp.protocols.http.idle_timeout "
     "distributor.receivers.otlp.protocols.http.middlewares.** "
     "distributor.receivers.otlp.protocols.http.keep_alives_enabled"},
    {kServerTls, Loss::noticeable,
     "distributor.receivers.otlp.protocols.grpc.tls.** distributor.receivers.otlp.protocols.http.tls.** "
     "distributor.receivers.otlp.protocols.grpc.tls_settings.** "
     "distributor.receivers.otlp.protocols.http.tls_settings.**"},
    {"receivers ask nobody who they are; put a proxy in front", Loss::noticeable,
     "distributor.receivers.otlp.protocols.grpc.auth.** distributor.receivers.otlp.protocols.http.auth.**"},
    {"browsers of other origins are not served yet", Loss::noticeable,
     "distributor.receivers.otlp.protocols.http.cors.**"},
    {"the paths are /v1/traces and /v1/logs", Loss::noticeable,
     "distributor.receivers.otlp.protocols.http.traces_url_path "
     "distributor.receivers.otlp.protocols.http.metrics_url_path "
     "distributor.receivers.otlp.protocols.http.logs_url_path"},
};

// Keys that translate_tempo reads.
constexpr std::string_view kElsewhere =
    "server.http_listen_address server.http_listen_port server.http_path_prefix http_api_prefix "
    "storage.trace.backend storage.trace.local.path "
    "compactor.compaction.block_retention backend_worker.compaction.block_retention "
    "backend_scheduler.provider.compaction.compaction.block_retention "
    "overrides.defaults.compaction.block_retention "
    "overrides.block_retention "
    "distributor.receivers.otlp.protocols.grpc.endpoint distributor.receivers.otlp.protocols.http.endpoint";

struct Protocol {
  std::string_view name;  // in the file
  std::string_view enabled;
  std::string_view address;
  std::string_view port;
  std::string_view default_port;
};
constexpr Protocol kProtocols[] = {
    {"grpc", "otlp.grpc_enabled", "otlp.grpc_address", "otlp.grpc_port", "4317"},
    {"http", "otlp.http_enabled", "otlp.http_address", "otlp.http_port", "4318"},
};

struct Endpoint {
  std::string host;
  std::string port;
};

// "0.0.0.0:4317", ":4317", "[::1]:4317", also with a scheme in front.
Endpoint split_endpoint(std::string_view text) {
  std::size_t scheme = text.find("://");
  if (scheme != std::string_view::npos) text.remove_prefix(scheme + 3);
  std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || text.ends_with(']')) return {std::string(text), ""};
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return {std::string(host), std::string(text.substr(colon + 1))};
}

void translate_protocol(const YamlNode& protocols, const Protocol& protocol, Translation& out) {
  std::string key = fmt::format("distributor.receivers.otlp.protocols.{}", protocol.name);
  const YamlEntry* entry = nullptr;
  for (const YamlEntry& each : protocols.entries)
    if (each.key == protocol.name) entry = &each;
  if (!entry) {
    out.assignments.push_back({std::string(protocol.enabled), {"false"}, {}, ""});
    return;
  }
  out.assignments.push_back({std::string(protocol.enabled), {"true"}, entry->mark, key});
  const YamlEntry* given = scalar_at(entry->node, "endpoint");
  if (!given) {
    // Tempo listened on all interfaces here up to 2.6, and on the local one since.
    out.assignments.push_back({std::string(protocol.address), {"0.0.0.0"}, entry->mark, key});
    apply(out, key, entry->mark, protocol.port, std::string(protocol.default_port),
          "no endpoint is given: all interfaces");
    return;
  }
  key += ".endpoint";
  Endpoint endpoint = split_endpoint(given->node.value);
  if (given->node.value.starts_with("unix:") || endpoint.port.empty()) {
    out.findings.push_back({Finding::Kind::problem, given->node.mark, key,
                            fmt::format("'{}' is not an address and a port such as 0.0.0.0:{}",
                                        given->node.value, protocol.default_port)});
    return;
  }
  if (endpoint.host == "localhost") endpoint.host = "127.0.0.1";
  if (endpoint.host.empty()) endpoint.host = "0.0.0.0";
  apply(out, key, given->mark, protocol.address, endpoint.host);
  apply(out, key, given->mark, protocol.port, endpoint.port);
}

void translate_receivers(const YamlNode& root, Translation& out) {
  const YamlNode* receivers = root.at({"distributor", "receivers"});
  if (!receivers || receivers->kind == YamlNode::Kind::null) {
    // Tempo's default without any receiver: OTLP by gRPC (and Jaeger).
    out.assignments.push_back({"otlp.http_enabled", {"false"}, {}, ""});
    out.assignments.push_back({"otlp.grpc_address", {"0.0.0.0"}, {}, ""});
    apply(out, "", {}, "otlp.grpc_port", "4317",
          "distributor.receivers is not given: OTLP by gRPC, as in Tempo");
    return;
  }
  const YamlNode* protocols = receivers->at({"otlp", "protocols"});
  const YamlNode none;
  for (const Protocol& protocol : kProtocols)
    translate_protocol(protocols ? *protocols : none, protocol, out);
}

// One retention: the key that Tempo itself would use, the newest vocabulary first.
void translate_retention(const YamlNode& root, Translation& out) {
  constexpr std::string_view kKeys[] = {"overrides.defaults.compaction.block_retention",
                                        "overrides.block_retention",
                                        "backend_worker.compaction.block_retention",
                                        "backend_scheduler.provider.compaction.compaction.block_retention",
                                        "compactor.compaction.block_retention"};
  std::string_view used;
  for (std::string_view key : kKeys) {
    const YamlEntry* entry = scalar_at(root, key);
    if (!entry) continue;
    bool override_of_nothing = key.starts_with("overrides") && is_zero(entry->node.value);
    if (override_of_nothing || !used.empty()) {
      std::string why =
          override_of_nothing ? "0 overrides nothing; ignored" : fmt::format("{} decides; ignored", used);
      out.findings.push_back({Finding::Kind::ignored, entry->mark, std::string(key), why});
      continue;
    }
    apply(out, key, entry->mark, "retention.traces", entry->node.value);
    used = key;
  }
}

void translate_storage(const YamlNode& root, Translation& out) {
  if (const YamlEntry* backend = scalar_at(root, "storage.trace.backend")) {
    bool local = backend->node.value == "local";
    out.findings.push_back(
        {local ? Finding::Kind::applied : Finding::Kind::warning, backend->mark, "storage.trace.backend",
         local ? std::string("local: weft keeps its data on the local disk")
               : fmt::format("weft keeps its data on the local disk; '{}' is not there yet; ignored",
                             backend->node.value)});
  }
  if (const YamlEntry* path = scalar_at(root, "storage.trace.local.path"))
    apply(out, "storage.trace.local.path", path->mark, "storage.path", below(path->node.value),
          "one directory for everything, beside what Tempo may have left");
}

}  // namespace

const KeyTable& tempo_table() {
  static constexpr KeyTable kTable{kSets, kIgnores, kElsewhere};
  return kTable;
}

void translate_tempo(const YamlNode& root, Translation& out) {
  translate_listener(root, "3200", "http_api_prefix", out);
  translate_receivers(root, out);
  translate_storage(root, out);
  translate_retention(root, out);
}

}  // namespace weft::config::compat

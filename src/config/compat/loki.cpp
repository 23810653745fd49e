#include <fmt/format.h>

#include "config/compat/keys.h"
#include "config/compat/server_keys.h"

// What Loki's keys mean here, from 2.9 to today. Source: Loki's documentation of its configuration,
// as gathered in the project's notes on compatibility.

namespace weft::config::compat {
namespace {

using text::YamlEntry;
using text::YamlNode;

constexpr Sets kSets[] = {
    {"server.http_listen_conn_limit", "http.connections_max", As::zero_unlimited},
    {"server.http_server_idle_timeout", "http.idle_timeout"},
    {"server.graceful_shutdown_timeout", "http.shutdown_grace"},
    {"server.log_level", "log.level"},
    {"server.log_format", "log.format"},
    {"distributor.max_recv_msg_size", "http.body_bytes_max", As::size},
    {"distributor.max_decompressed_size", "ingest.decompressed_bytes_max", As::size_zero_unlimited},
    {"limits_config.ingestion_rate_mb", "limits.log_bytes_per_second", As::mebibytes},
    {"limits_config.ingestion_burst_size_mb", "limits.log_burst_bytes", As::mebibytes},
    {"limits_config.max_label_name_length", "limits.label_name_bytes_max"},
    {"limits_config.max_label_value_length", "limits.label_value_bytes_max"},
    {"limits_config.max_label_names_per_series", "limits.label_names_per_stream_max"},
    {"limits_config.max_line_size", "limits.line_bytes_max", As::size},
    {"limits_config.max_structured_metadata_size", "limits.metadata_bytes_max", As::size_zero_unlimited},
    {"limits_config.max_structured_metadata_entries_count", "limits.metadata_entries_max",
     As::zero_unlimited},
    {"limits_config.reject_old_samples", "limits.reject_old_samples"},
    {"limits_config.reject_old_samples_max_age", "limits.old_samples_age_max"},
    {"limits_config.creation_grace_period", "limits.future_grace"},
    {"limits_config.max_global_streams_per_user", "limits.streams_max", As::zero_unlimited},
    {"limits_config.max_entries_limit_per_query", "limits.entries_per_query_max", As::zero_unlimited},
    {"limits_config.max_query_series", "limits.query_series_max", As::zero_unlimited},
    {"limits_config.max_concurrent_tail_requests", "limits.tails_max"},
    {"querier.tail_max_duration", "limits.tail_duration_max"},
    {"limits_config.max_query_length", "limits.query_length_max", As::zero_unlimited},
    {"limits_config.query_timeout", "limits.query_timeout", As::zero_unlimited},
    {"limits_config.discover_service_name", "ingest.service_name_labels", As::list},
    {"limits_config.discover_log_levels", "ingest.discover_levels"},
};

constexpr Ignores kIgnores[] = {
    {"weft has no rings", Loss::none,
     "common.ring.** distributor.ring.** ingester.lifecycler.ring.** compactor.compactor_ring.** "
     "index_gateway.ring.** query_scheduler.scheduler_ring.** ruler.ring.** common.replication_factor "
     "common.persist_tokens"},
    {"weft is one process, its parts need no addresses of each other", Loss::none,
     "memberlist.** ingester_client.** compactor_client.** compactor_grpc_client.** frontend_worker.** "
     "query_scheduler.** index_gateway.** ingest_limits.** ingest_limits_frontend.** "
     "ingest_limits_frontend_client.** "
     "internal_server.** common.instance_* common.compactor_address common.compactor_grpc_address "
     "ingester.lifecycler.num_tokens ingester.lifecycler.heartbeat_period "
     "ingester.lifecycler.heartbeat_timeout "
     "ingester.lifecycler.observe_period ingester.lifecycler.join_after "
     "ingester.lifecycler.min_ready_duration "
     "ingester.lifecycler.interface_names ingester.lifecycler.enable_inet6 ingester.lifecycler.final_sleep "
     "ingester.lifecycler.tokens_file_path ingester.lifecycler.availability_zone "
     "ingester.lifecycler.unregister_on_shutdown ingester.lifecycler.readiness_check_ring_health "
     "ingester.lifecycler.address ingester.lifecycler.port ingester.lifecycler.id "
     "ingester.max_transfer_retries "
     "ingester.autoforget_unhealthy ingester.owned_streams_check_interval ingester.shutdown_marker_path "
     "distributor.rate_store.** distributor.pool.** distributor.remote_timeout "
     "distributor.client_cleanup_period "
     "distributor.health_check_ingesters distributor.ingester_writes_enabled distributor.ingest_limits_* "
     "legacy_read_mode query_tee.** metastore.** metastore_client.** ingester_rf1.** querier_rf1.**"},
    {"weft writes to its own log, not to Kafka", Loss::none,
     "kafka_config.** block_builder.** block_scheduler.** dataobj.** dataobj_* ingester.kafka_ingestion.** "
     "distributor.kafka_* distributor.kafka_config.** distributor.tenant_topic.** "
     "querier.query_partition_ingesters"},
    {"weft shows lines at once and cuts blocks by its own rules", Loss::none,
     "ingester.chunk_idle_period ingester.chunk_retain_period ingester.max_chunk_age "
     "ingester.chunk_block_size "
     "ingester.chunk_target_size ingester.chunk_encoding ingester.flush_check_period "
     "ingester.flush_op_timeout "
     "ingester.flush_op_backoff.** ingester.concurrent_flushes ingester.sync_period "
     "ingester.sync_min_utilization "
     "ingester.index_shards ingester.max_dropped_streams ingester.query_store_max_look_back_period "
     "ingester.chunk_filterer.** ingester.max_returned_stream_errors ingester.tailers.**"},
    {"the write-ahead log is always on and lies in storage.path", Loss::none, "ingester.wal.**"},
    {"entries may come in any order", Loss::none, "ingester.unordered_writes limits_config.unordered_writes"},
    {"weft has one format of its own; schema periods mean nothing", Loss::none,
     "schema_config schema_config.configs[].from schema_config.configs[].store "
     "schema_config.configs[].object_store "
     "schema_config.configs[].schema schema_config.configs[].index.** schema_config.configs[].chunks.** "
     "schema_config.configs[].row_shards"},
    {"weft keeps its data in its own format in one directory, storage.path", Loss::none,
     "storage_config.boltdb_shipper.** storage_config.tsdb_shipper.** storage_config.bloom_shipper.** "
     "storage_config.boltdb.** storage_config.max_parallel_get_chunk storage_config.max_chunk_batch_size "
     "storage_config.disable_broad_index_queries storage_config.named_stores.** storage_config.object_prefix "
     "storage_config.use_thanos_objstore storage_config.object_store.s3.** "
     "storage_config.object_store.gcs.** "
     "storage_config.object_store.azure.** storage_config.object_store.swift.** "
     "storage_config.object_store.cos.** storage_config.object_store.bos.** "
     "storage_config.object_store.alibabacloud.** storage_config.object_store.storage_prefix "
     "storage_config.object_store.named_stores.** storage_config.hedging.** "
     "storage_config.congestion_control.** "
     "common.storage.hedging.** common.storage.congestion_control.** "
     "common.storage.filesystem.rules_directory"},
    {"weft keeps blocks on the local disk; object storage is not there yet", Loss::noticeable,
     "storage_config.aws.** storage_config.azure.** storage_config.gcs.** storage_config.swift.** "
     "storage_config.bos.** storage_config.cos.** storage_config.alibabacloud.** storage_config.bigtable.** "
     "storage_config.cassandra.** storage_config.grpc_store.** common.storage.s3.** common.storage.gcs.** "
     "common.storage.azure.** common.storage.swift.** common.storage.bos.** common.storage.cos.** "
     "common.storage.alibabacloud.** common.storage.object_store.**"},
    {"weft needs no cache beside it", Loss::none,
     "chunk_store_config.chunk_cache_config.** chunk_store_config.chunk_cache_config_l2.** "
     "chunk_store_config.write_dedupe_cache_config.** chunk_store_config.l2_chunk_cache_handoff "
     "chunk_store_config.cache_lookups_older_than chunk_store_config.skip_query_writeback_older_than "
     "storage_config.index_queries_cache_config.** storage_config.index_cache_validity "
     "limits_config.max_cache_freshness_per_query limits_config.max_stats_cache_freshness "
     "limits_config.max_metadata_cache_freshness"},
    {"weft does not bound how far back a query looks", Loss::none,
     "chunk_store_config.max_look_back_period limits_config.max_query_lookback "
     "limits_config.max_query_range"},
    {"weft has no tables; limits_config.retention_period with compactor.retention_enabled: true is what "
     "deletes",
     Loss::none,
     "table_manager table_manager.retention_deletes_enabled table_manager.retention_period "
     "table_manager.throughput_updates_disabled table_manager.poll_interval "
     "table_manager.creation_grace_period "
     "table_manager.index_tables_provisioning.** table_manager.chunk_tables_provisioning.**"},
    {"weft merges and removes blocks by its own rules", Loss::none,
     "compactor.working_directory compactor.shared_store compactor.shared_store_key_prefix "
     "compactor.compaction_interval compactor.apply_retention_interval compactor.retention_delete_delay "
     "compactor.retention_delete_worker_count compactor.retention_table_timeout "
     "compactor.retention_backoff_config.** "
     "compactor.max_compaction_parallelism compactor.upload_parallelism compactor.run_once "
     "compactor.tables_to_compact compactor.skip_latest_n_tables compactor.jobs_config.** "
     "compactor.horizontal_scaling_mode compactor.worker_config.**"},
    {"deleting single lines is not there yet", Loss::noticeable,
     "compactor.delete_* compactor.deletion_mode compactor.allow_deletes "
     "compactor.backup_delete_request_store_db_type "
     "limits_config.deletion_mode limits_config.allow_deletes"},
    {"a query runs in this process, with the cores and the memory there are", Loss::none,
     "querier.extra_query_delay querier.query_ingesters_within querier.engine.** "
     "querier.max_concurrent querier.query_store_only querier.query_ingester_only "
     "querier.per_request_limits_enabled querier.multi_tenant_queries_enabled querier.query_timeout "
     "querier.ingester_query_store_max_look_back_period querier.dataobj.** query_range.** frontend.** "
     "query_engine.** "
     "limits_config.max_query_parallelism limits_config.tsdb_* limits_config.split_* "
     "limits_config.min_sharding_lookback limits_config.recent_metadata_query_window "
     "limits_config.query_ready_index_num_days limits_config.max_queriers_per_tenant "
     "limits_config.max_query_capacity limits_config.max_chunks_per_query "
     "limits_config.index_gateway_shard_size "
     "limits_config.shard_aggregations limits_config.max_querier_bytes_read limits_config.cardinality_limit "
     "limits_config.max_streams_matchers_per_query limits_config.debug_engine_* limits_config.bloom_* "
     "bloom_build.** bloom_compactor.** bloom_gateway.** limits_config.enable_multi_variant_queries"},
    {"weft has no such limit", Loss::none,
     "limits_config.ingestion_rate_strategy limits_config.max_streams_per_user "
     "limits_config.per_stream_rate_limit limits_config.per_stream_rate_limit_burst "
     "limits_config.max_query_bytes_read "
     "limits_config.volume_max_series "
     "limits_config.ingestion_partitions_tenant_shard_size limits_config.use_owned_stream_count "
     "limits_config.simulated_push_latency distributor.write_failures_logging.**"},
    {"streams are never split here", Loss::none, "limits_config.shard_streams.**"},
    {"has had no effect in Loki since 2.9 either", Loss::none, "limits_config.enforce_metric_name"},
    {"always on here", Loss::none,
     "limits_config.volume_enabled limits_config.allow_structured_metadata pattern_ingester.** "
     "limits_config.pattern_* limits_config.metric_aggregation_enabled limits_config.persist_granularity"},
    {"weft refuses lines that are too long instead of cutting them", Loss::noticeable,
     "limits_config.max_line_size_truncate limits_config.max_line_size_truncate_identifier"},
    {"weft keeps entries of the same time in the order in which they came", Loss::none,
     "limits_config.increment_duplicate_timestamp"},
    {"levels are found as in Loki's defaults", Loss::noticeable,
     "limits_config.log_level_fields.** limits_config.log_level_from_json_max_depth "
     "limits_config.discover_generic_fields.**"},
    {"OTLP resource attributes become labels as in Loki's defaults", Loss::noticeable,
     "distributor.otlp_config.** limits_config.otlp_config.** limits_config.global_otlp_config.**"},
    {"retention is one period for all streams", Loss::noticeable, "limits_config.retention_stream.**"},
    {"refusing queries or lines by rule is not there yet", Loss::noticeable,
     "limits_config.blocked_queries.** limits_config.required_labels.** limits_config.minimum_labels_number "
     "limits_config.enforced_labels.** limits_config.block_* limits_config.policy_*"},
    {"limits for single tenants are not there yet; limits_config is for all", Loss::noticeable,
     "runtime_config.** limits_config.per_tenant_override_config limits_config.per_tenant_override_period "
     "operational_config.** lbac.**"},
    {"rules are not there yet", Loss::noticeable, "ruler.** ruler_storage.** limits_config.ruler_*"},
    {"objects are not encrypted by a store", Loss::none, "limits_config.s3_sse_*"},
    {"weft reports to nobody", Loss::none, "analytics.**"},
    {"one process does everything", Loss::none, "target"},
    {"lines of tenants without a name belong to 'fake'", Loss::none, "no_auth_tenant"},
    {"without meaning here", Loss::none,
     "ballast_bytes tracing.** profiling.** shutdown_delay metrics_namespace ui.** http_prefix "
     "limits_frontend.**"},
    {kServerGrpcPort, Loss::none, kServerGrpcPortKeys},
    {kServerTls, Loss::noticeable, kServerTlsKeys},
    {kServerOwnBounds, Loss::none, kServerOwnBoundsKeys},
    {kServerLogs, Loss::none, kServerLogsKeys},
};

// Keys that translate_loki reads.
constexpr std::string_view kElsewhere =
    "auth_enabled server.http_listen_address server.http_listen_port server.http_path_prefix "
    "common.path_prefix common.storage.filesystem.chunks_directory storage_config.filesystem.directory "
    "storage_config.object_store.filesystem.dir compactor.retention_enabled limits_config.retention_period";

void translate_auth(const YamlNode& root, Translation& out) {
  if (const YamlEntry* auth = scalar_at(root, "auth_enabled")) {
    apply(out, "auth_enabled", auth->mark, "tenants.require_for_logs", auth->node.value);
  } else {
    apply(out, "", {}, "tenants.require_for_logs", "true",
          "auth_enabled is not given: requests need X-Scope-OrgID, as in Loki");
  }
}

// The most particular directory decides.
void translate_storage(const YamlNode& root, Translation& out) {
  constexpr std::string_view kKeys[] = {"storage_config.filesystem.directory",
                                        "storage_config.object_store.filesystem.dir",
                                        "common.storage.filesystem.chunks_directory", "common.path_prefix"};
  std::string_view used;
  for (std::string_view key : kKeys) {
    const YamlEntry* entry = scalar_at(root, key);
    if (!entry) continue;
    if (!used.empty()) {
      out.findings.push_back({Finding::Kind::ignored, entry->mark, std::string(key),
                              fmt::format("weft keeps one directory, and {} names it; ignored", used)});
      continue;
    }
    used = key;
    apply(out, key, entry->mark, "storage.path", below(entry->node.value),
          "one directory for everything, beside what Loki may have left");
  }
}

// Loki deletes only when the compactor is told to, and only with a period.
void translate_retention(const YamlNode& root, Translation& out) {
  const YamlEntry* tables = scalar_at(root, "table_manager.retention_deletes_enabled");
  if (tables && is_true(tables->node.value))
    out.findings.push_back({Finding::Kind::warning, tables->mark, "table_manager.retention_deletes_enabled",
                            "deletes nothing, nor did it in Loki's single binary; ignored"});
  const YamlEntry* enabled = scalar_at(root, "compactor.retention_enabled");
  const YamlEntry* period = scalar_at(root, "limits_config.retention_period");
  bool on = enabled && is_true(enabled->node.value);
  bool has_period = period && !is_zero(period->node.value);
  if (enabled)
    out.findings.push_back(
        {on && !has_period ? Finding::Kind::warning : Finding::Kind::applied, enabled->mark,
         "compactor.retention_enabled",
         on ? (has_period ? "limits_config.retention_period is obeyed"
                          : "limits_config.retention_period is not set: logs are kept for ever")
            : "logs are kept for ever"});
  if (!period) return;
  if (on) {
    apply(out, "limits_config.retention_period", period->mark, "retention.logs", period->node.value);
  } else {
    out.findings.push_back(
        {has_period ? Finding::Kind::warning : Finding::Kind::ignored, period->mark,
         "limits_config.retention_period",
         has_period ? "deletes nothing without compactor.retention_enabled: true, as in Loki; ignored"
                    : "logs are kept for ever"});
  }
}

}  // namespace

const KeyTable& loki_table() {
  static constexpr KeyTable kTable{kSets, kIgnores, kElsewhere};
  return kTable;
}

void translate_loki(const YamlNode& root, Translation& out) {
  translate_auth(root, out);
  translate_listener(root, "3100", "", out);
  translate_storage(root, out);
  translate_retention(root, out);
}

}  // namespace weft::config::compat

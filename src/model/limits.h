#pragma once

#include <cstddef>
#include <cstdint>

namespace weft {

// Every bound on input and on work that a user can meet, with Loki's and Tempo's defaults where
// they have one. Durations in nanoseconds, sizes in bytes; 0 means "no limit" where noted.
struct Limits {
  // --- log entries (Loki's limits_config) ---
  std::size_t line_bytes_max = 256 * 1024;        // max_line_size; 0: the hard limit below
  std::size_t label_names_per_stream_max = 15;    // max_label_names_per_series
  std::size_t label_name_bytes_max = 1024;        // max_label_name_length
  std::size_t label_value_bytes_max = 2048;       // max_label_value_length
  std::size_t metadata_bytes_max = 64 * 1024;     // max_structured_metadata_size, one entry's total
  std::size_t metadata_entries_max = 128;         // max_structured_metadata_entries_count
  bool reject_old_samples = true;                 // reject_old_samples
  std::int64_t old_samples_age_max_ns = 7 * 24 * 3600 * std::int64_t{1'000'000'000};  // reject_old_samples_max_age
  std::int64_t future_grace_ns = 10 * 60 * std::int64_t{1'000'000'000};               // creation_grace_period
  std::size_t streams_max = 100'000;              // max_global_streams_per_user
  // Loki's 4 MB/s default is the most frequent complaint of its users; weft sets none. 0: no limit.
  double log_bytes_per_second = 0;                // ingestion_rate_mb
  double log_burst_bytes = 0;                     // ingestion_burst_size_mb
  // --- spans (Tempo's overrides) ---
  std::size_t attribute_bytes_max = 2048;         // distributor.max_attribute_bytes: longer text is cut
  std::size_t attributes_per_span_max = 1024;
  std::size_t trace_bytes_max = 5'000'000;        // global.max_bytes_per_trace; 0: no limit
  double span_bytes_per_second = 0;               // ingestion.rate_limit_bytes; 0: no limit
  double span_burst_bytes = 0;                    // ingestion.burst_size_bytes
  // --- queries ---
  std::size_t entries_per_query_max = 5000;       // max_entries_limit_per_query
  std::size_t query_series_max = 500;             // max_query_series
  std::int64_t query_length_max_ns = (30 * 24 + 1) * 3600 * std::int64_t{1'000'000'000};  // max_query_length
  std::int64_t query_timeout_ns = 60 * std::int64_t{1'000'000'000};                       // query_timeout
  std::size_t tails_max = 10;                     // max_concurrent_tail_requests; 0: no limit
  std::int64_t tail_duration_max_ns = 3600 * std::int64_t{1'000'000'000};  // querier.tail_max_duration
  std::int64_t search_duration_max_ns = 168 * 3600 * std::int64_t{1'000'000'000};  // search.max_duration
  std::size_t search_limit_max = 262'144;         // query_frontend.search.max_result_limit
  std::size_t query_memory_bytes_max = std::size_t{512} << 20;
  // --- retention: older data is not shown and is removed. 0: kept for ever ---
  std::int64_t log_retention_ns = 0;              // limits_config.retention_period
  std::int64_t trace_retention_ns = 336 * 3600 * std::int64_t{1'000'000'000};  // compaction.block_retention
};

// A line longer than this is refused whatever is configured.
inline constexpr std::size_t kLineBytesHardMax = std::size_t{4} << 20;
// Nesting of AnyValue, JSON and query expressions. Deeper input is refused, never recursed into.
inline constexpr int kNestingMax = 64;
// Candidate trace ids kept per log row; beyond that the row is a candidate for every id.
inline constexpr std::size_t kCandidateIdsMax = 8;
// Query text.
inline constexpr std::size_t kQueryBytesMax = 131'072;

}  // namespace weft

#include "ingest/log_checks.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "ingest/names.h"
#include "model/time.h"
#include "text/units.h"

namespace weft::ingest {
namespace {

// Loki shows times of entries to the second.
std::string time_text(std::int64_t ns) {
  std::int64_t seconds = ns / kNsPerSecond - (ns % kNsPerSecond < 0 ? 1 : 0);
  if (seconds < INT64_MIN / kNsPerSecond) ++seconds;
  return text::format_rfc3339(seconds * kNsPerSecond);
}

struct Refusal {
  Reason reason;
  std::string words;
};

std::optional<Refusal> check_labels(std::span<const Label> labels, bool discovered, const LogChecks& checks) {
  const Limits& limits = checks.limits;
  if (labels.empty())
    return Refusal{Reason::missing_labels, "error at least one label pair is required per stream"};
  std::size_t names = labels.size() - (discovered ? 1 : 0);
  if (names > limits.label_names_per_stream_max + checks.extra_labels)
    return Refusal{Reason::max_label_names_per_series,
                   fmt::format("entry for stream '{}' has {} label names; limit {}", label_text(labels),
                               names, limits.label_names_per_stream_max)};
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const Label& l = labels[i];
    if (l.name.size() > limits.label_name_bytes_max)
      return Refusal{Reason::label_name_too_long,
                     fmt::format("stream '{}' has label name too long: '{}'", label_text(labels), l.name)};
    if (l.value.size() > limits.label_value_bytes_max)
      return Refusal{Reason::label_value_too_long,
                     fmt::format("stream '{}' has label value too long: '{}'", label_text(labels), l.value)};
    if (i > 0 && labels[i - 1].name == l.name)
      return Refusal{Reason::duplicate_label_names,
                     fmt::format("stream '{}' has duplicate label name: '{}'", label_text(labels), l.name)};
  }
  return std::nullopt;
}

// The bounds of one request, worked out once.
struct Bounds {
  std::int64_t oldest_ns;
  std::int64_t newest_ns;
  std::size_t line_bytes;

  explicit Bounds(const LogChecks& checks) {
    const Limits& limits = checks.limits;
    oldest_ns = limits.reject_old_samples ? checks.now_ns - limits.old_samples_age_max_ns : INT64_MIN;
    newest_ns = checks.now_ns + limits.future_grace_ns;
    line_bytes =
        limits.line_bytes_max == 0 ? kLineBytesHardMax : std::min(limits.line_bytes_max, kLineBytesHardMax);
  }
};

void check_metadata(const LogBatch& batch, std::size_t entry, std::size_t stream, const Limits& limits,
                    Refusals& refusals) {
  auto metadata = batch.metadata_of(batch.entries[entry]);
  auto stream_text = [&] { return label_text(batch.labels_of(batch.streams[stream])); };
  std::size_t bytes = 0;
  for (const Label& l : metadata) bytes += l.name.size() + l.value.size();
  if (bytes > limits.metadata_bytes_max) {
    refusals.add(entry, 1, Reason::structured_metadata_too_large, stream, [&] {
      return fmt::format(
          "stream '{}' has structured metadata too large: '{}' bytes, limit: '{}' bytes. Send less "
          "with each entry, or raise limits_config.max_structured_metadata_size",
          stream_text(), bytes, limits.metadata_bytes_max);
    });
  } else if (metadata.size() > limits.metadata_entries_max) {
    refusals.add(entry, 1, Reason::structured_metadata_too_many, stream, [&] {
      return fmt::format(
          "stream '{}' has too many structured metadata labels: '{}', limit: '{}'. Send fewer with "
          "each entry, or raise limits_config.max_structured_metadata_entries_count",
          stream_text(), metadata.size(), limits.metadata_entries_max);
    });
  }
}

void check_entry(const LogBatch& batch, std::size_t entry, std::size_t stream, const Bounds& bounds,
                 const Limits& limits, Refusals& refusals) {
  const LogEntry& e = batch.entries[entry];
  auto stream_text = [&] { return label_text(batch.labels_of(batch.streams[stream])); };
  if (e.time_ns < bounds.oldest_ns) [[unlikely]] {
    refusals.add(entry, 1, Reason::greater_than_max_sample_age, stream, [&] {
      return fmt::format(
          "entry for stream '{}' has timestamp too old: {}, oldest acceptable timestamp is: {}",
          stream_text(), time_text(e.time_ns), time_text(bounds.oldest_ns));
    });
  } else if (e.time_ns > bounds.newest_ns) [[unlikely]] {
    refusals.add(entry, 1, Reason::too_far_in_future, stream, [&] {
      return fmt::format("entry for stream '{}' has timestamp too new: {}", stream_text(),
                         time_text(e.time_ns));
    });
  } else if (e.line.size() > bounds.line_bytes) [[unlikely]] {
    refusals.add(entry, 1, Reason::line_too_long, stream, [&] {
      return fmt::format(
          "max entry size '{}' bytes exceeded for stream '{}' while adding an entry with length '{}' "
          "bytes",
          bounds.line_bytes, stream_text(), e.line.size());
    });
  } else if (e.metadata_count > 0) {
    check_metadata(batch, entry, stream, limits, refusals);
  }
}

}  // namespace

void normalise_labels(LogBatch& batch, std::span<const std::string> service_labels, Unlabelled unlabelled,
                      std::vector<std::uint8_t>& discovered) {
  discovered.assign(batch.streams.size(), 0);
  LogStream before;  // as it was; senders that send one entry a stream repeat its labels
  for (std::size_t i = 0; i < batch.streams.size(); ++i) {
    LogStream& stream = batch.streams[i];
    if (i > 0 && stream.labels_begin == before.labels_begin && stream.labels_count == before.labels_count) {
      stream.labels_begin = batch.streams[i - 1].labels_begin;
      stream.labels_count = batch.streams[i - 1].labels_count;
      discovered[i] = discovered[i - 1];
      continue;
    }
    before = stream;
    auto begin = batch.labels.size();
    for (std::uint32_t l = 0; l < stream.labels_count; ++l) {
      Label label = batch.labels[stream.labels_begin + l];
      if (!label.value.empty()) batch.labels.push_back(label);
    }
    auto own = std::span(batch.labels).subspan(begin);
    if ((!own.empty() || unlabelled == Unlabelled::gets_service_name) && !service_labels.empty() &&
        std::ranges::find(own, std::string_view("service_name"), &Label::name) == own.end()) {
      batch.labels.push_back({"service_name", discover_service(own, service_labels)});
      discovered[i] = 1;
    }
    std::ranges::sort(std::span(batch.labels).subspan(begin));
    stream.labels_begin = static_cast<std::uint32_t>(begin);
    stream.labels_count = static_cast<std::uint32_t>(batch.labels.size() - begin);
  }
}

void check_logs(const LogBatch& batch, std::span<const std::uint8_t> discovered, const LogChecks& checks,
                Refusals& refusals) {
  Bounds bounds(checks);
  for (std::size_t s = 0; s < batch.streams.size(); ++s) {
    const LogStream& stream = batch.streams[s];
    if (stream.entries_count == 0) continue;
    if (auto refusal = check_labels(batch.labels_of(stream), discovered[s] != 0, checks)) {
      refusals.add(stream.entries_begin, stream.entries_count, refusal->reason, s,
                   [&] { return refusal->words; });
      continue;
    }
    for (std::uint32_t i = 0; i < stream.entries_count; ++i) {
      std::size_t entry = stream.entries_begin + i;
      if (!refusals.refused(entry)) check_entry(batch, entry, s, bounds, checks.limits, refusals);
    }
  }
}

void remove_refused(LogBatch& batch, const Refusals& refusals) {
  std::uint32_t kept = 0;
  std::size_t streams = 0;
  for (LogStream stream : batch.streams) {
    std::uint32_t begin = kept;
    for (std::uint32_t i = stream.entries_begin; i < stream.entries_begin + stream.entries_count; ++i)
      if (!refusals.refused(i)) batch.entries[kept++] = batch.entries[i];
    if (kept == begin) continue;
    stream.entries_begin = begin;
    stream.entries_count = kept - begin;
    batch.streams[streams++] = stream;
  }
  batch.entries.resize(kept);
  batch.streams.resize(streams);
}

}  // namespace weft::ingest

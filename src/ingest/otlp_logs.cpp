#include "ingest/otlp_logs.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "ingest/names.h"

namespace weft::ingest {
namespace {

// Resource attributes that are labels (distributor.otlp_config's default list), in its order.
constexpr std::array<std::string_view, 18> kIndexAttributes = {"service.name",
                                                               "service.namespace",
                                                               "service.instance.id",
                                                               "deployment.environment",
                                                               "deployment.environment.name",
                                                               "cloud.region",
                                                               "cloud.availability_zone",
                                                               "k8s.cluster.name",
                                                               "k8s.namespace.name",
                                                               "k8s.pod.name",
                                                               "k8s.container.name",
                                                               "container.name",
                                                               "k8s.replicaset.name",
                                                               "k8s.deployment.name",
                                                               "k8s.statefulset.name",
                                                               "k8s.daemonset.name",
                                                               "k8s.cronjob.name",
                                                               "k8s.job.name"};

std::size_t index_of(std::string_view key) {
  return static_cast<std::size_t>(std::ranges::find(kIndexAttributes, key) - kIndexAttributes.begin());
}

// Puts attributes of one request into metadata of its entries.
class Mapper {
 public:
  Mapper(const wire::OtlpLogs& logs, std::int64_t now_ns, const Limits& limits, LogBatch& batch,
         Refusals& refusals)
      : logs_(logs), now_ns_(now_ns), limits_(limits), batch_(batch), refusals_(refusals) {}

  void map() {
    batch_.entries.reserve(logs_.records.size());
    for (std::size_t i = 0; i < logs_.records.size(); ++i) {
      const wire::OtlpLogRecord& record = logs_.records[i];
      if (i == 0 || record.resource != resource_) begin_resource(record.resource);
      if (i == 0 || record.scope != scope_ || shared_resource_ != record.resource) begin_scope(record);
      add(record, i);
      batch_.streams.back().entries_count++;
    }
  }

 private:
  void begin_resource(std::uint32_t resource) {
    resource_ = resource;
    LogStream stream;
    stream.labels_begin = static_cast<std::uint32_t>(batch_.labels.size());
    stream.entries_begin = static_cast<std::uint32_t>(batch_.entries.size());
    // By the order of the list, so that the same attributes are labels whatever order they come in.
    std::array<const Value*, kIndexAttributes.size()> found{};
    Attributes attributes = resource_attributes();
    for (const Attribute& a : attributes)
      if (std::size_t i = index_of(a.key); i < found.size() && found[i] == nullptr) found[i] = &a.value;
    labels_end_ = 0;
    std::size_t labels = 0;
    for (; labels_end_ < found.size() && labels < limits_.label_names_per_stream_max; ++labels_end_) {
      if (found[labels_end_] == nullptr) continue;
      std::string_view value = valid_text(text_of(*found[labels_end_]), batch_.arena);
      if (value.empty()) continue;
      batch_.labels.push_back({normal_name(kIndexAttributes[labels_end_], batch_.arena), value});
      ++labels;
    }
    stream.labels_count = static_cast<std::uint32_t>(labels);
    batch_.streams.push_back(stream);
  }

  Attributes resource_attributes() const {
    return resource_ < logs_.resources.size() ? logs_.resources[resource_].attributes : Attributes();
  }

  // What every record of a resource and scope has in common.
  void begin_scope(const wire::OtlpLogRecord& record) {
    scope_ = record.scope;
    shared_resource_ = record.resource;
    shared_.clear();
    bad_name_shared_ = {};
    std::string_view bad;
    for (const Attribute& a : resource_attributes())
      if (index_of(a.key) >= labels_end_) flatten(shared_, {}, a, 0, bad);
    if (scope_ < logs_.scopes.size()) {
      const Scope& scope = logs_.scopes[scope_];
      for (const Attribute& a : scope.attributes) flatten(shared_, {}, a, 0, bad);
      put(shared_, "scope_name", scope.name);
      put(shared_, "scope_version", scope.version);
      if (scope.dropped_attributes != 0)
        put(shared_, "scope_dropped_attributes_count", number_text(scope.dropped_attributes));
    }
    bad_name_shared_ = bad;
  }

  void add(const wire::OtlpLogRecord& record, std::size_t position) {
    LogEntry entry;
    std::uint64_t time = record.time_ns != 0 ? record.time_ns : record.observed_time_ns;
    entry.time_ns = time == 0 ? now_ns_ : static_cast<std::int64_t>(std::min<std::uint64_t>(time, INT64_MAX));
    entry.line = text_of(record.body);
    entry.metadata_begin = static_cast<std::uint32_t>(batch_.metadata.size());

    own_.clear();
    std::string_view bad = bad_name_shared_;
    for (const Attribute& a : record.attributes) flatten(own_, {}, a, 0, bad);
    if (record.time_ns != 0 && record.observed_time_ns != 0)
      put(own_, "observed_timestamp", number_text(record.observed_time_ns));
    if (record.severity_number != 0) put(own_, "severity_number", number_text(record.severity_number));
    put(own_, "severity_text", record.severity_text);
    if (record.dropped_attributes != 0)
      put(own_, "dropped_attributes_count", number_text(record.dropped_attributes));
    if (record.flags != 0) put(own_, "flags", number_text(record.flags));
    if (auto id = trace_id_from_bytes(record.trace_id); id && !id->is_zero()) {
      entry.trace_id = *id;
      put(own_, "trace_id", batch_.arena.copy(to_hex(*id)));
    }
    if (auto id = span_id_from_bytes(record.span_id); id && !id->is_zero()) {
      entry.span_id = *id;
      put(own_, "span_id", batch_.arena.copy(to_hex(*id)));
    }
    put(own_, "event_name", record.event_name);

    batch_.metadata.insert(batch_.metadata.end(), own_.begin(), own_.end());
    batch_.metadata.insert(batch_.metadata.end(), shared_.begin(), shared_.end());
    entry.metadata_count = static_cast<std::uint32_t>(batch_.metadata.size()) - entry.metadata_begin;
    batch_.entries.push_back(entry);
    if (bad.data() != nullptr)
      refusals_.add(position, 1, Reason::invalid_attribute_name, batch_.streams.size(), [&] {
        return "attribute name '" + std::string(bad) +
               "' has no letter or digit, so it cannot be a label's name";
      });
  }

  // Maps become one pair for each leaf, names joined by '_'; lists are JSON. `bad` is set to the
  // first name that cannot be one. Depth is bounded by the decoder (kNestingMax).
  void flatten(std::vector<Label>& out, std::string_view prefix, const Attribute& a, int depth,
               std::string_view& bad) {
    std::string_view name = normal_name(a.key, batch_.arena);
    if (name.empty()) {
      if (bad.data() == nullptr) bad = a.key.empty() ? std::string_view("") : a.key;
      return;
    }
    if (!prefix.empty()) name = batch_.arena.copy(std::string(prefix) + "_" + std::string(name));
    if (a.value.type != Value::Type::map || depth >= kNestingMax) return put(out, name, text_of(a.value));
    for (const Attribute& inner : a.value.as_map()) flatten(out, name, inner, depth + 1, bad);
  }

  static void put(std::vector<Label>& out, std::string_view name, std::string_view value) {
    if (!value.empty()) out.push_back({name, value});
  }

  std::string_view number_text(auto number) {
    char digits[24];
    auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    return batch_.arena.copy({digits, static_cast<std::size_t>(end - digits)});
  }

  std::string_view text_of(const Value& value) {
    if (value.type == Value::Type::string) return value.as_text();
    if (value.type == Value::Type::nil) return {};
    if (value.type == Value::Type::integer) return number_text(value.integer);
    json_.clear();
    wire::append_plain_json(json_, value);
    std::string_view text = json_;
    if (value.type == Value::Type::bytes && text.size() >= 2) text = text.substr(1, text.size() - 2);
    return batch_.arena.copy(text);
  }

  const wire::OtlpLogs& logs_;
  std::int64_t now_ns_;
  const Limits& limits_;
  LogBatch& batch_;
  Refusals& refusals_;

  std::uint32_t resource_ = 0;
  std::uint32_t scope_ = 0;
  std::uint32_t shared_resource_ = 0;
  std::size_t labels_end_ = 0;  // index attributes from here on are metadata
  std::vector<Label> shared_;   // of the resource and scope
  std::vector<Label> own_;      // of the record
  std::string_view bad_name_shared_;
  std::string json_;
};

}  // namespace

void map_otlp_logs(const wire::OtlpLogs& logs, std::int64_t now_ns, const Limits& limits, LogBatch& batch,
                   Refusals& refusals) {
  refusals.begin(logs.records.size());
  Mapper(logs, now_ns, limits, batch, refusals).map();
}

}  // namespace weft::ingest

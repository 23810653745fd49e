#pragma once

#include <cmath>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include "wire/loki_push.h"
#include "wire/otlp.h"

// Requests with every field set, and their description as text, for this module's tests and benchmarks.

namespace weft::wire::samples {

inline Attribute attribute(std::string_view key, Value value) {
  return {key, value};
}

// One value of every type, nested.
inline Attributes every_type(Arena& arena) {
  std::vector<Value> items = {Value::of(std::int64_t{1}), Value::of(std::string_view("two")), Value()};
  std::vector<Attribute> inner = {
      attribute("a", Value::of(std::span<const Value>(arena.copy(std::span<const Value>(items))))),
      attribute("b", Value::of(2.5))};
  std::vector<Attribute> all = {
      attribute("text", Value::of(std::string_view("caf\xC3\xA9 \"quoted\"\n"))),
      attribute("empty", Value::of(std::string_view(""))),
      attribute("int", Value::of(std::numeric_limits<std::int64_t>::min())),
      attribute("double", Value::of(-0.125)),
      attribute("infinite", Value::of(std::numeric_limits<double>::infinity())),
      attribute("true", Value::of(true)),
      attribute("false", Value::of(false)),
      attribute("bytes", Value::of_bytes(std::string_view("\x00\xFF\x10", 3))),
      attribute("nil", Value()),
      attribute("array", Value::of(arena.copy(std::span<const Value>(items)))),
      attribute("map", Value::of(arena.copy(std::span<const Attribute>(inner)))),
      attribute("empty array", Value::of(std::span<const Value>())),
      attribute("empty map", Value::of(std::span<const Attribute>())),
  };
  return arena.copy(std::span<const Attribute>(all));
}

inline TraceId trace_id(std::uint8_t seed) {
  TraceId id;
  for (std::size_t i = 0; i < id.bytes.size(); ++i) id.bytes[i] = static_cast<std::uint8_t>(seed + i);
  return id;
}
inline SpanId span_id(std::uint8_t seed) {
  SpanId id;
  for (std::size_t i = 0; i < id.bytes.size(); ++i) id.bytes[i] = static_cast<std::uint8_t>(seed * 3 + i);
  return id;
}

inline void fill(SpanBatch& batch) {
  Attributes all = every_type(batch.arena);
  batch.resources = {{all, 3, "https://schema/r"}, {all.first(1), 0, ""}};
  batch.scopes = {{"scope", "1.2", all.last(2), 4, "https://schema/s"}, {"other", "", {}, 0, ""}, {}};
  std::vector<SpanEvent> events = {{1'700'000'000'000'000'005U, "exception", all, 2}, {7, "", {}, 0}};
  std::vector<SpanLink> links = {{trace_id(90), span_id(91), "k=v", all.first(3), 1, 0x301},
                                 {{}, {}, "", {}, 0, 0}};
  for (std::uint8_t i = 0; i < 6; ++i) {
    Span span;
    span.trace_id = trace_id(i + 1);
    span.span_id = span_id(i + 1);
    if (i % 2 == 1) span.parent_id = span_id(i);
    span.name = "GET /\xC3\xA9";
    span.trace_state = i == 0 ? "a=b" : "";
    span.status_message = i == 1 ? "boom" : "";
    span.start_ns = 1'700'000'000'000'000'001U + i;
    span.end_ns = 1'700'000'000'000'500'000U;
    span.kind = static_cast<SpanKind>(i);
    span.status = static_cast<SpanStatus>(i % 3);
    span.flags = i * 257U;
    span.dropped_attributes = i;
    span.dropped_events = i + 1U;
    span.dropped_links = i + 2U;
    span.resource = i / 4;
    span.scope = i / 2;
    span.attributes = all.first(i);
    if (i == 2) span.events = batch.arena.copy(std::span<const SpanEvent>(events));
    if (i == 3) span.links = batch.arena.copy(std::span<const SpanLink>(links));
    batch.spans.push_back(span);
  }
}

inline void fill(OtlpLogs& logs) {
  Attributes all = every_type(logs.arena);
  logs.resources = {{all, 3, "https://schema/r"}};
  logs.scopes = {{"scope", "1.2", all.last(2), 4, "https://schema/s"}, {}};
  for (std::uint32_t i = 0; i < all.size(); ++i) {
    OtlpLogRecord record;
    record.time_ns = 1'700'000'000'000'000'001U + i;
    record.observed_time_ns = i;
    record.severity_number = static_cast<std::int32_t>(i);
    record.severity_text = i % 2 == 0 ? "INFO" : "";
    record.body = all[i].value;
    record.attributes = all.first(i);
    record.dropped_attributes = i;
    record.flags = i;
    record.trace_id = i % 2 == 0 ? "0123456789abcdef" : "";
    record.span_id = i % 2 == 0 ? "01234567" : "";
    record.event_name = i == 1 ? "event" : "";
    record.scope = i / 7;
    logs.records.push_back(record);
  }
}

// `lines` of about `line_bytes` in `streams`, with two metadata pairs on every fourth.
inline void fill(LogBatch& batch, std::size_t lines, std::size_t streams, std::size_t line_bytes) {
  for (std::size_t s = 0; s < streams; ++s) {
    LogStream stream;
    stream.labels_begin = static_cast<std::uint32_t>(batch.labels.size());
    stream.entries_begin = static_cast<std::uint32_t>(batch.entries.size());
    batch.labels.push_back({"app", "checkout"});
    batch.labels.push_back({"env", "prod"});
    batch.labels.push_back({"pod", batch.arena.copy("checkout-" + std::to_string(s))});
    for (std::size_t i = 0; i < lines / streams; ++i) {
      std::string line = "level=info msg=\"order accepted\" id=" + std::to_string(i * 7919) + " padding=";
      line.append(line.size() < line_bytes ? line_bytes - line.size() : 0, 'x');
      LogEntry entry;
      entry.time_ns = 1'700'000'000'000'000'001 + static_cast<std::int64_t>(i);
      entry.line = batch.arena.copy(line);
      entry.metadata_begin = static_cast<std::uint32_t>(batch.metadata.size());
      if (i % 4 == 0) {
        batch.metadata.push_back({"trace_id", "0af7651916cd43dd8448eb211c80319c"});
        batch.metadata.push_back({"user", "42"});
      }
      entry.metadata_count = static_cast<std::uint32_t>(batch.metadata.size()) - entry.metadata_begin;
      batch.entries.push_back(entry);
    }
    stream.labels_count = 3;
    stream.entries_count = static_cast<std::uint32_t>(batch.entries.size()) - stream.entries_begin;
    batch.streams.push_back(stream);
  }
}

inline std::string describe(Attributes attributes) {
  std::string out = "{";
  for (const Attribute& a : attributes) {
    out += std::string(a.key) + "=";
    append_json(out, a.value);
    out += ' ';
  }
  return out + "}";
}

inline std::string describe(const Resource& r) {
  std::ostringstream out;
  out << describe(r.attributes) << ' ' << r.dropped_attributes << ' ' << r.schema_url;
  return out.str();
}

inline std::string describe(const Scope& s) {
  std::ostringstream out;
  out << s.name << ' ' << s.version << ' ' << describe(s.attributes) << ' ' << s.dropped_attributes << ' '
      << s.schema_url;
  return out.str();
}

// Resources and scopes by value, so that two batches with other indices compare equal.
inline std::string describe(const SpanBatch& batch) {
  std::ostringstream out;
  for (const Span& s : batch.spans) {
    out << "resource " << describe(batch.resources[s.resource]) << "\nscope "
        << describe(batch.scopes[s.scope]) << "\nspan " << to_hex(s.trace_id) << ' ' << to_hex(s.span_id)
        << ' ' << to_hex(s.parent_id) << ' ' << s.name << ' ' << s.trace_state << ' ' << s.status_message
        << ' ' << s.start_ns << ' ' << s.end_ns << ' ' << int(s.kind) << ' ' << int(s.status) << ' '
        << s.flags << ' ' << s.dropped_attributes << ' ' << s.dropped_events << ' ' << s.dropped_links << ' '
        << describe(s.attributes) << '\n';
    for (const SpanEvent& e : s.events)
      out << "  event " << e.time_ns << ' ' << e.name << ' ' << describe(e.attributes) << ' '
          << e.dropped_attributes << '\n';
    for (const SpanLink& l : s.links)
      out << "  link " << to_hex(l.trace_id) << ' ' << to_hex(l.span_id) << ' ' << l.trace_state << ' '
          << describe(l.attributes) << ' ' << l.dropped_attributes << ' ' << l.flags << '\n';
  }
  return out.str();
}

inline std::string describe(const OtlpLogs& logs) {
  std::ostringstream out;
  for (const OtlpLogRecord& r : logs.records) {
    std::string body;
    append_json(body, r.body);
    out << "resource " << describe(logs.resources[r.resource]) << "\nscope " << describe(logs.scopes[r.scope])
        << "\nrecord " << r.time_ns << ' ' << r.observed_time_ns << ' ' << r.severity_number << ' '
        << r.severity_text << ' ' << body << ' ' << describe(r.attributes) << ' ' << r.dropped_attributes
        << ' ' << r.flags << ' ' << r.trace_id << ' ' << r.span_id << ' ' << r.event_name << '\n';
  }
  return out.str();
}

inline std::string describe(const LogBatch& batch) {
  std::ostringstream out;
  for (const LogStream& stream : batch.streams) {
    out << label_text(batch.labels_of(stream)) << '\n';
    for (const LogEntry& e : std::span(batch.entries).subspan(stream.entries_begin, stream.entries_count))
      out << "  " << e.time_ns << ' ' << e.line << ' ' << label_text(batch.metadata_of(e)) << '\n';
  }
  return out.str();
}

}  // namespace weft::wire::samples

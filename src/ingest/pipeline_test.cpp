#include "ingest/pipeline.h"

#include <cstdlib>
#include <filesystem>
#include <future>
#include <thread>

#include <gtest/gtest.h>

#include "wire/loki_push.h"
#include "wire/otlp.h"

namespace weft::ingest {
namespace {

using storage::FrameKind;

constexpr std::int64_t kNow = 1'795'168'800'000'000'000;  // 2026-11-20T10:00:00Z
constexpr std::int64_t kSecond = 1'000'000'000;
constexpr TimeRange kAll{INT64_MIN, INT64_MAX};

class ManualClock final : public Clock {
 public:
  std::int64_t now_ns() const override { return now; }
  std::atomic<std::int64_t> now{kNow};
};

std::string label_list(std::span<const Label> labels) {
  return label_text(labels);
}

// A store in a directory of its own, with a pipeline in front.
class Server {
 public:
  explicit Server(Options options = {}) : options_(std::move(options)) {
    directory_ = testing::TempDir() + "ingest-XXXXXX";
    if (mkdtemp(directory_.data()) == nullptr) ADD_FAILURE() << directory_;
    start();
  }
  ~Server() {
    (void)store_->close();
    std::filesystem::remove_all(directory_);
  }

  void start() {
    auto store = storage::Store::open({.path = directory_}, files_, clock, metrics);
    ASSERT_TRUE(store) << store.error().message();
    store_ = std::move(*store);
    pipeline_ = std::make_unique<Pipeline>(options_, *store_, clock, metrics);
  }

  // As after a crash or a restart: everything comes from the log.
  storage::RecoveryReport restart(Options options) {
    EXPECT_TRUE(store_->close());
    pipeline_.reset();
    store_.reset();
    options_ = std::move(options);
    start();
    auto report = store_->recover([&](const storage::Frame& f) { return pipeline_->replay(f); });
    EXPECT_TRUE(report);
    return report ? *report : storage::RecoveryReport();
  }

  Outcome push(FrameKind kind, std::string body, Codec encoding = Codec::identity,
               const TenantId& tenant = "fake") {
    std::promise<Outcome> promise;
    pipeline_->push(kind, encoding, tenant, std::move(body),
                    [&](Outcome o) { promise.set_value(std::move(o)); });
    return promise.get_future().get();
  }

  // Every row as text, in the store's order.
  std::vector<std::string> logs(const TenantId& tenant = "fake") {
    std::vector<std::string> out;
    auto snapshot = store_->snapshot();
    exec::Context context;
    storage::LogScan scan;
    scan.tenant = tenant;
    scan.range = kAll;
    scan.order = storage::Order::forward;
    auto source = snapshot->logs(std::move(scan), context);
    storage::LogRows rows;
    for (;;) {
      auto more = source->next(rows);
      if (!more || !*more) break;
      for (const storage::LogRow& r : rows.rows)
        out.push_back(std::to_string(r.time_ns) + " " + r.stream->labels.to_string() + " " +
                      std::string(r.line) + " " + label_list(r.metadata) + " " + to_hex(r.trace_id) + "/" +
                      to_hex(r.span_id));
    }
    return out;
  }

  std::vector<std::string> logs_with_id(std::string_view id) {
    std::vector<std::string> out;
    auto snapshot = store_->snapshot();
    exec::Context context;
    storage::LogScan scan;
    scan.tenant = "fake";
    scan.range = kAll;
    scan.order = storage::Order::forward;
    scan.ids = {*parse_trace_id(id)};
    auto source = snapshot->logs(std::move(scan), context);
    storage::LogRows rows;
    for (;;) {
      auto more = source->next(rows);
      if (!more || !*more) break;
      for (const storage::LogRow& r : rows.rows) out.emplace_back(r.line);
    }
    return out;
  }

  // The trace as OTLP bytes; empty when there is none.
  std::string trace(std::string_view id, const TenantId& tenant = "fake") {
    SpanBatch batch;
    auto snapshot = store_->snapshot();
    if (!snapshot->trace(tenant, *parse_trace_id(id), batch)) return {};
    return wire::encode_otlp_traces(batch);
  }

  std::string metric(std::string_view line_start) {
    std::string all = metrics.render();
    std::size_t at = all.find("\n" + std::string(line_start));
    return at == std::string::npos ? "" : all.substr(at + 1, all.find('\n', at + 1) - at - 1);
  }

  ManualClock clock;
  Registry metrics;

 private:
  Options options_;
  std::string directory_;
  PosixFileSystem files_;
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<Pipeline> pipeline_;
};

std::string time(std::int64_t offset_ns = 0) {
  return std::to_string(kNow + offset_ns);
}

std::string words(const Outcome& o) {
  return o.result ? "" : o.result.error().message();
}

const std::string kTrace = "4bf92f3577b34da6a3ce929d0e0e4736";
const std::string kSpan = "00f067aa0ba902b7";

std::string json_push() {
  return R"({"streams":[{"stream":{"app":"shop","level":"warn"},"values":[
    [")" +
         time() + R"(","one"],
    [")" +
         time(1) + R"(","trace_id=)" + kTrace + " span_id=" + kSpan + R"("],
    ["0","too old"],
    [")" +
         time(2) + R"(","with metadata",{"user.id":"42","trace_id":")" + kTrace + R"("}]]},
   {"stream":{"job":"x"},"values":[[")" +
         time(3600 * kSecond) + R"(","too new"],[")" + time(-kSecond) + R"(","{\"level\":\"error\"}"]]}]})";
}

TEST(Pipeline, JsonPushBecomesRows) {
  Server server;
  Outcome o = server.push(FrameKind::loki_json, json_push());
  EXPECT_EQ(o.accepted, 4u);
  EXPECT_EQ(o.rejected, 2u);
  EXPECT_EQ(words(o),
            "1 errors like: entry for stream '{app=\"shop\", level=\"warn\", service_name=\"shop\"}' has "
            "timestamp too old: "
            "1970-01-01T00:00:00Z, oldest acceptable timestamp is: 2026-11-13T10:00:00Z; 1 errors like: "
            "entry for stream "
            "'{job=\"x\", service_name=\"x\"}' has timestamp too new: 2026-11-20T11:00:00Z");
  const std::string none = std::string(32, '0') + "/" + std::string(16, '0');
  const std::string shop = R"({app="shop", level="warn", service_name="shop"} )";
  EXPECT_EQ(server.logs(),
            (std::vector<std::string>{
                time(-kSecond) +
                    R"( {job="x", service_name="x"} {"level":"error"} {detected_level="error"} )" + none,
                time() + " " + shop + R"(one {detected_level="warn"} )" + none,
                time(1) + " " + shop + "trace_id=" + kTrace + " span_id=" + kSpan +
                    R"( {detected_level="warn"} )" + kTrace + "/" + kSpan,
                time(2) + " " + shop + R"(with metadata {user_id="42", trace_id=")" + kTrace +
                    R"(", detected_level="warn"} )" + kTrace + "/" + std::string(16, '0')}));
  EXPECT_EQ(server.logs_with_id(kTrace).size(), 2u);
  EXPECT_EQ(server.metric("loki_distributor_lines_received_total"),
            "loki_distributor_lines_received_total{tenant=\"fake\"} 6");
  EXPECT_EQ(server.metric("weft_ingest_rows_total{signal=\"logs\"}"),
            "weft_ingest_rows_total{signal=\"logs\"} 4");
  EXPECT_EQ(server.metric("loki_discarded_samples_total{reason=\"too_far"),
            "loki_discarded_samples_total{reason=\"too_far_in_future\",tenant=\"fake\"} 1");
  EXPECT_EQ(server.metric("weft_ingest_rejected_rows_total{signal=\"logs\",reason=\"greater"),
            "weft_ingest_rejected_rows_total{signal=\"logs\",reason=\"greater_than_max_sample_age\"} 1");
}

std::string protobuf_push() {
  LogBatch batch;
  for (int s = 0; s < 3; ++s) {
    const std::string_view apps[] = {"a", "b", "c"};
    batch.labels.push_back({"app", apps[s]});
    batch.streams.push_back(
        {static_cast<std::uint32_t>(s), 1, static_cast<std::uint32_t>(batch.entries.size()), 50});
    for (int i = 0; i < 50; ++i) {
      LogEntry e;
      e.time_ns = i % 7 == 3 ? 5 : kNow + i;
      e.line = batch.arena.copy("line " + std::to_string(i) + (i % 5 == 0 ? " error" : " info"));
      batch.entries.push_back(e);
    }
  }
  std::string body = wire::encode_loki_push(batch);
  // A stream with labels that cannot be read: {a}, one entry.
  body += std::string("\x0a\x0a\x0a\x03{a}\x12\x03\x12\x01x", 12);
  return body;
}

TEST(Pipeline, ReplayGivesTheSameRowsAndRefusesTheSame) {
  Server server;
  Outcome json = server.push(FrameKind::loki_json, *compress(Codec::gzip, json_push()), Codec::gzip);
  EXPECT_EQ(json.accepted, 4u);
  Outcome protobuf = server.push(FrameKind::loki_protobuf, *compress(Codec::snappy_block, protobuf_push()),
                                 Codec::snappy_block);
  EXPECT_EQ(protobuf.accepted, 3u * 43);
  EXPECT_EQ(protobuf.rejected, 3u * 7 + 1);
  EXPECT_NE(words(protobuf).find("1 errors like: error parsing labels '{a}' with error: 1:"),
            std::string::npos)
      << words(protobuf);
  auto before = server.logs();
  ASSERT_EQ(before.size(), 4u + 3 * 43);

  // Years later and with harder limits: what was accepted stays, what was refused stays out.
  server.clock.now = kNow + 365 * 86'400 * kSecond;
  Options hard;
  hard.limits.line_bytes_max = 1;
  hard.limits.label_names_per_stream_max = 0;
  hard.limits.streams_max = 1;
  auto report = server.restart(hard);
  EXPECT_EQ(report.frames, 2u);
  EXPECT_EQ(report.corrupted_frames, 0u);
  EXPECT_EQ(server.logs(), before);
  EXPECT_EQ(server.logs_with_id(kTrace).size(), 2u);
}

std::string otlp_traces_json(const std::string& second_span_id) {
  return R"({"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},
    "scopeSpans":[{"spans":[
      {"traceId":")" +
         kTrace + R"(","spanId":")" + kSpan +
         R"(","name":"one","kind":2,"startTimeUnixNano":"1","endTimeUnixNano":"5",
       "attributes":[{"key":"long","value":{"stringValue":")" +
         std::string(3000, 'x') + R"("}}]},
      {"traceId":")" +
         kTrace + R"(","spanId":")" + second_span_id + R"(","name":"two"}]}]}]})";
}

TEST(Pipeline, SpansAreKeptAndReplayed) {
  Server server;
  Outcome o = server.push(FrameKind::otlp_traces_json, otlp_traces_json("0000000000000000"));
  EXPECT_EQ(o.accepted, 1u);
  EXPECT_EQ(o.rejected, 1u);
  EXPECT_EQ(words(o).find("span ids must be 64 bit and not all zero, received"), 0u) << words(o);
  std::string before = server.trace(kTrace);
  EXPECT_NE(before.find(std::string(2048, 'x')), std::string::npos);
  EXPECT_EQ(before.find(std::string(2049, 'x')), std::string::npos);
  EXPECT_EQ(server.metric("tempo_discarded_spans_total"),
            "tempo_discarded_spans_total{reason=\"invalid_span_id\",tenant=\"fake\"} 1");
  EXPECT_EQ(server.metric("tempo_distributor_attributes_truncated_total"),
            "tempo_distributor_attributes_truncated_total 1");
  server.restart({});
  EXPECT_EQ(server.trace(kTrace), before);
}

TEST(Pipeline, OtlpLogsAreMappedAgainAtReplay) {
  Server server;
  const std::string body = R"({"resourceLogs":[{"resource":{"attributes":[
      {"key":"service.name","value":{"stringValue":"mail"}},{"key":"process.pid","value":{"intValue":"12"}}]},
    "scopeLogs":[{"scope":{"name":"mailer","version":"2.0"},"logRecords":[
      {"timeUnixNano":")" + time() +
                           R"(","observedTimeUnixNano":")" + time(5) +
                           R"(","severityNumber":9,"severityText":"INFO",
       "body":{"stringValue":"mail sent"},"traceId":")" +
                           kTrace + R"(","spanId":")" + kSpan + R"(","flags":1,
       "attributes":[{"key":"nested","value":{"kvlistValue":{"values":[{"key":"k","value":{"stringValue":"v"}}]}}}]},
      {"body":{"kvlistValue":{"values":[{"key":"a","value":{"intValue":"1"}}]}}},
      {"timeUnixNano":"5","body":{"stringValue":"old"}}]}]}]})";
  Outcome o = server.push(FrameKind::otlp_logs_json, body);
  EXPECT_EQ(o.accepted, 2u) << words(o);
  EXPECT_EQ(o.rejected, 1u);
  auto before = server.logs();
  const std::string shared = R"(process_pid="12", scope_name="mailer", scope_version="2.0")";
  EXPECT_EQ(before,
            (std::vector<std::string>{
                time() + R"( {service_name="mail"} mail sent {nested_k="v", observed_timestamp=")" + time(5) +
                    R"(", severity_number="9", severity_text="INFO", flags="1", trace_id=")" + kTrace +
                    R"(", span_id=")" + kSpan + "\", " + shared + R"(, detected_level="info"} )" + kTrace +
                    "/" + kSpan,
                time() + R"( {service_name="mail"} {"a":1} {)" + shared + R"(, detected_level="unknown"} )" +
                    std::string(32, '0') + "/" + std::string(16, '0')}));
  server.clock.now = kNow + 77 * kSecond;  // the second record has no time: "now" is when it came
  server.restart({});
  EXPECT_EQ(server.logs(), before);
}

TEST(Pipeline, RateLimitsRefuseTheWholeRequest) {
  Options options;
  options.limits.log_bytes_per_second = 4;
  options.limits.log_burst_bytes = 6;
  options.limits.span_bytes_per_second = 1000;
  options.limits.span_burst_bytes = 1000;
  Server server(options);
  const std::string body = R"({"streams":[{"stream":{"a":"b"},"values":[[")" + time() + R"(","abc"],[")" +
                           time() + R"(","def"]]}]})";
  EXPECT_TRUE(server.push(FrameKind::loki_json, body).result);
  Outcome o = server.push(FrameKind::loki_json, body);
  EXPECT_EQ(o.accepted, 0u);
  EXPECT_EQ(o.rejected, 2u);
  ASSERT_FALSE(o.result);
  EXPECT_EQ(o.result.error().code(), Code::resource_exhausted);
  EXPECT_EQ(o.retry_after_seconds, 2);
  EXPECT_EQ(
      words(o),
      "ingestion rate limit exceeded for user fake (limit: 4 bytes/sec) while attempting to ingest '2' lines "
      "totaling "
      "'6' bytes, reduce log volume or contact your Loki administrator to see if the limit can be increased");
  EXPECT_EQ(server.metric("loki_discarded_samples_total"),
            "loki_discarded_samples_total{reason=\"rate_limited\",tenant=\"fake\"} 2");
  EXPECT_TRUE(server.push(FrameKind::loki_json, body, Codec::identity, "another").result);
  server.clock.now += 2 * kSecond;
  EXPECT_TRUE(server.push(FrameKind::loki_json, body).result);

  std::string traces = otlp_traces_json(kSpan);
  o = server.push(FrameKind::otlp_traces_json, traces);
  const std::string size = std::to_string(traces.size());
  EXPECT_EQ(
      words(o),
      "RATE_LIMITED: batch size (" + size +
          " bytes) exceeds ingestion limit (local: 1000 bytes/s, global: 0 bytes/s, burst: 1000 bytes) while "
          "adding " +
          size + " bytes for user fake. consider reducing batch size or increasing rate limit.");
  EXPECT_EQ(o.retry_after_seconds, 5);
  traces = R"({"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":")" + kTrace + R"(","spanId":")" + kSpan +
           R"(","name":")" + std::string(400, 'n') + R"("}]}]}]})";
  EXPECT_TRUE(server.push(FrameKind::otlp_traces_json, traces).result);
  o = server.push(FrameKind::otlp_traces_json, traces);
  EXPECT_EQ(
      words(o).find(
          "RATE_LIMITED: ingestion rate limit (local: 1000 bytes/s, global: 0 bytes/s, burst: 1000 bytes) "
          "exceeded while adding "),
      0u)
      << words(o);
}

TEST(Pipeline, StreamLimitRefusesNewStreamsOnly) {
  Options options;
  options.limits.streams_max = 2;
  Server server(options);
  auto push = [&](std::string_view a, std::string_view b) {
    std::string body = R"({"streams":[)";
    for (std::string_view name : {a, b})
      body += R"({"stream":{"app":")" + std::string(name) + R"("},"values":[[")" + time() + R"(","x"]]},)";
    body.back() = ']';
    return server.push(FrameKind::loki_json, body + "}");
  };
  EXPECT_TRUE(push("a", "b").result);
  Outcome o = push("c", "a");
  EXPECT_EQ(o.accepted, 1u);
  EXPECT_EQ(o.rejected, 1u);
  ASSERT_FALSE(o.result);
  EXPECT_EQ(o.result.error().code(), Code::resource_exhausted);
  EXPECT_GT(o.retry_after_seconds, 0);
  EXPECT_EQ(words(o),
            "maximum active stream limit exceeded when trying to create stream {app=\"c\", "
            "service_name=\"c\"}, reduce the "
            "number of active streams (reduce labels or reduce label values), or contact your Loki "
            "administrator to see if "
            "the limit can be increased, user: 'fake'");
  // Streams of the log count after a restart.
  server.restart(options);
  EXPECT_EQ(push("c", "b").accepted, 1u);
}

TEST(Pipeline, TracesOfTooManyBytesAreCutShort) {
  Options options;
  options.limits.trace_bytes_max = 4000;
  Server server(options);
  EXPECT_TRUE(server.push(FrameKind::otlp_traces_json, otlp_traces_json("00f067aa0ba902b8")).result);
  Outcome o = server.push(FrameKind::otlp_traces_json, otlp_traces_json("00f067aa0ba902b9"));
  EXPECT_EQ(o.accepted, 0u);
  EXPECT_EQ(o.rejected, 2u);
  EXPECT_EQ(words(o).find("2 errors like: TRACE_TOO_LARGE: max size of trace (4000) exceeded while adding "),
            0u)
      << words(o);
  server.clock.now += 61 * kSecond;
  EXPECT_TRUE(server.push(FrameKind::otlp_traces_json, otlp_traces_json("00f067aa0ba902b9")).result);
}

TEST(Pipeline, RequestsThatCannotBeRead) {
  Server server;
  struct Case {
    FrameKind kind;
    Codec encoding;
    std::string body;
    Code code;
  };
  const Case kCases[] = {
      {FrameKind::loki_json, Codec::identity, "{", Code::invalid_argument},
      {FrameKind::loki_json, Codec::gzip, "not gzip", Code::invalid_argument},
      {FrameKind::loki_protobuf, Codec::snappy_block, "\xff\xff\xff\xff\xff", Code::invalid_argument},
      {FrameKind::loki_protobuf, Codec::identity, "\x0a\xff", Code::invalid_argument},
      {FrameKind::otlp_logs_json, Codec::identity, "[]", Code::invalid_argument},
      {FrameKind::otlp_traces_protobuf, Codec::identity, "\x0a\x05x", Code::invalid_argument},
      {FrameKind::otlp_traces_protobuf, Codec::gzip, *compress(Codec::gzip, std::string(64 << 20, '\0')),
       Code::resource_exhausted},
  };
  for (const Case& c : kCases) {
    Outcome o = server.push(c.kind, c.body, c.encoding);
    ASSERT_FALSE(o.result) << c.body.substr(0, 20);
    EXPECT_EQ(o.result.error().code(), c.code) << words(o);
    EXPECT_EQ(o.accepted + o.rejected, 0u);
    EXPECT_EQ(o.retry_after_seconds, 0);
    storage::Frame frame;
    frame.kind = c.kind;
    frame.encoding = c.encoding;
  }
}

TEST(Pipeline, NothingToStoreIsSuccess) {
  Server server;
  for (auto [kind, body] :
       std::vector<std::pair<FrameKind, std::string>>{{FrameKind::loki_json, R"({"streams":[]})"},
                                                      {FrameKind::loki_protobuf, ""},
                                                      {FrameKind::otlp_logs_json, "{}"},
                                                      {FrameKind::otlp_logs_protobuf, ""},
                                                      {FrameKind::otlp_traces_json, "{}"},
                                                      {FrameKind::otlp_traces_protobuf, ""}}) {
    Outcome o = server.push(kind, body);
    EXPECT_TRUE(o.result) << words(o);
    EXPECT_EQ(o.accepted + o.rejected, 0u);
  }
  EXPECT_EQ(server.restart({}).frames, 0u);
}

TEST(Pipeline, ManyThreadsAtOnce) {
  Server server;
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&server, t] {
      for (int i = 0; i < 50; ++i) {
        std::string body = R"({"streams":[{"stream":{"app":")" + std::to_string(i % 7) +
                           R"("},"values":[[")" + time(t * 1000 + i) + R"(","x"]]}]})";
        Outcome o = server.push(FrameKind::loki_json, body, Codec::identity, i % 2 == 0 ? "even" : "odd");
        EXPECT_TRUE(o.result) << words(o);
      }
    });
  }
  threads.clear();
  EXPECT_EQ(server.logs("even").size(), 100u);
  EXPECT_EQ(server.logs("odd").size(), 100u);
}

}  // namespace
}  // namespace weft::ingest

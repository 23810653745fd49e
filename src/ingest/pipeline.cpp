#include "ingest/pipeline.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include <fmt/format.h>

#include "base/guarded.h"
#include "ingest/derive.h"
#include "ingest/live_traces.h"
#include "ingest/log_checks.h"
#include "ingest/otlp_logs.h"
#include "ingest/refusals.h"
#include "ingest/span_checks.h"
#include "ingest/tenants.h"
#include "wire/loki_push.h"
#include "wire/otlp.h"
#include "wire/zipkin.h"

namespace weft::ingest {
namespace {

using storage::Frame;
using storage::FrameKind;

// What a client that must wait is told when nothing better is known (Tempo's value).
constexpr int kRetrySeconds = 5;
constexpr int kRetrySecondsMax = 60;
constexpr std::size_t kIdleWorksMax = 32;
constexpr std::size_t kIdleWorkBytesMax = std::size_t{32} << 20;

// Everything that one request needs, reused by the next.
struct Work {
  std::string text;  // the body, decompressed
  LogBatch logs;
  wire::OtlpLogs otlp_logs;
  SpanBatch spans;
  std::vector<wire::RejectedStream> rejected_streams;
  std::vector<wire::RejectedSpan> rejected_spans;
  std::vector<std::uint8_t> discovered;
  std::vector<std::size_t> span_bytes;
  Refusals refusals;

  std::size_t memory() const {
    return text.capacity() + logs.arena.bytes() + logs.entries.capacity() * sizeof(LogEntry) +
           (logs.metadata.capacity() + logs.labels.capacity()) * sizeof(Label) + otlp_logs.arena.bytes() +
           otlp_logs.records.capacity() * sizeof(wire::OtlpLogRecord) + spans.arena.bytes() +
           spans.spans.capacity() * sizeof(Span);
  }

  void clear() {
    text.clear();
    logs.clear();
    otlp_logs.clear();
    spans.clear();
    rejected_streams.clear();
    rejected_spans.clear();
  }
};

bool is_spans(FrameKind kind) {
  return kind == FrameKind::otlp_traces_protobuf || kind == FrameKind::otlp_traces_json ||
         kind == FrameKind::zipkin_json;
}
bool is_otlp_logs(FrameKind kind) {
  return kind == FrameKind::otlp_logs_protobuf || kind == FrameKind::otlp_logs_json;
}

Outcome failure(Error error, int retry_after_seconds = 0) {
  Outcome outcome;
  outcome.result = std::move(error);
  outcome.retry_after_seconds = retry_after_seconds;
  return outcome;
}

int retry_seconds(double wait) {
  return std::clamp(static_cast<int>(std::ceil(std::min(wait, 1e6))), 1, kRetrySecondsMax);
}

// What a sender can do nothing about but wait.
int retry_after(Code code) {
  return code == Code::resource_exhausted || code == Code::unavailable ? kRetrySeconds : 0;
}

std::uint64_t bytes_of(const LogBatch& batch, const Refusals& refusals) {
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < batch.entries.size(); ++i) {
    if (refusals.refused(i)) continue;
    bytes += batch.entries[i].line.size();
    for (const Label& l : batch.metadata_of(batch.entries[i])) bytes += l.name.size() + l.value.size();
  }
  return bytes;
}

std::uint64_t stream_hash(std::span<const Label> labels) {
  std::uint64_t h = labels.size();
  for (const Label& l : labels) h = hash_combine(hash_combine(h, hash64(l.name)), hash64(l.value));
  return h;
}

void remove_refused(SpanBatch& batch, const Refusals& refusals) {
  if (refusals.marked() == 0) return;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < batch.spans.size(); ++i)
    if (!refusals.refused(i)) batch.spans[kept++] = batch.spans[i];
  batch.spans.resize(kept);
}

}  // namespace

struct Pipeline::Impl {
  Impl(Options given, storage::Store& s, const Clock& c, Registry& m)
      : options(std::move(given)), store(s), clock(c), metrics(m), tenants(options.limits, m) {}

  struct Signal {
    Signal(const char* given, Registry& m)
        : name(given),
          rows(m.counter("weft_ingest_rows_total", "Log lines and spans made durable.", {{"signal", given}})),
          bytes(m.counter("weft_ingest_bytes_total",
                          "Bytes made durable: of lines and structured metadata, and of trace requests.",
                          {{"signal", given}})) {}
    const char* name;
    Counter& rows;
    Counter& bytes;
  };

  // --- working memory ---

  struct Return {
    Impl* impl;
    void operator()(Work* work) const {
      std::unique_ptr<Work> owned(work);
      if (work->memory() > kIdleWorkBytesMax) return;
      work->clear();
      auto works = impl->idle.lock();
      if (works->size() < kIdleWorksMax) works->push_back(std::move(owned));
    }
  };
  using Lease = std::unique_ptr<Work, Return>;

  Lease lease() {
    {
      auto works = idle.lock();
      if (!works->empty()) {
        Work* work = works->back().release();
        works->pop_back();
        return Lease(work, Return{this});
      }
    }
    return Lease(std::make_unique<Work>().release(), Return{this});
  }

  // --- reading ---

  // The body in the clear: a view of the frame's or of `work`.
  Result<std::string_view> open_body(const Frame& frame, Work& work) const {
    if (frame.encoding == Codec::identity) return frame.body;
    work.text = TRY(decompress(frame.encoding, frame.body, options.decompress));
    return std::string_view(work.text);
  }

  // Fills work.logs and begins work.refusals with what cannot be decoded or mapped.
  Result<void> decode_logs(const Frame& frame, Work& work) const {
    std::string_view body = TRY(open_body(frame, work));
    if (is_otlp_logs(frame.kind)) {
      TRY(frame.kind == FrameKind::otlp_logs_protobuf ? wire::decode_otlp_logs(body, work.otlp_logs)
                                                      : wire::decode_otlp_logs_json(body, work.otlp_logs));
      map_otlp_logs(work.otlp_logs, frame.received_ns, options.limits, work.logs, work.refusals);
    } else {
      TRY(frame.kind == FrameKind::loki_protobuf
              ? wire::decode_loki_push(body, work.logs, work.rejected_streams)
              : wire::decode_loki_push_json(body, work.logs));
      work.refusals.begin(work.logs.entries.size());
      for (const wire::RejectedStream& r : work.rejected_streams)
        work.refusals.add_undecoded(
            r.entries, Reason::invalid_labels,
            fmt::format("error parsing labels '{}' with error: {}", r.labels, r.error));
    }
    normalise_labels(work.logs, options.service_name_labels,
                     is_otlp_logs(frame.kind) ? Unlabelled::gets_service_name : Unlabelled::stays,
                     work.discovered);
    return {};
  }

  static Result<void> decode_span_body(FrameKind kind, std::string_view body, Work& work) {
    switch (kind) {
      case FrameKind::otlp_traces_json:
        return wire::decode_otlp_traces_json(body, work.spans, work.rejected_spans);
      case FrameKind::zipkin_json: return wire::decode_zipkin_json(body, work.spans, work.rejected_spans);
      default: return wire::decode_otlp_traces(body, work.spans, work.rejected_spans);
    }
  }

  Result<void> decode_spans(const Frame& frame, Work& work, std::size_t& body_bytes) {
    std::string_view body = TRY(open_body(frame, work));
    body_bytes = body.size();
    TRY(decode_span_body(frame.kind, body, work));
    work.refusals.begin(work.spans.spans.size());
    for (wire::RejectedSpan& r : work.rejected_spans) {
      Reason reason = r.error.starts_with("span") ? Reason::invalid_span_id : Reason::invalid_trace_id;
      work.refusals.add_undecoded(1, reason, std::move(r.error));
    }
    attributes_cut.add(cut_attributes(work.spans, options.limits, work.span_bytes));
    return {};
  }

  void finish_logs(FrameKind kind, Work& work) const {
    derive_logs(work.logs,
                {.discover_levels = options.discover_levels, .names_are_normal = is_otlp_logs(kind)},
                work.refusals);
    remove_refused(work.logs, work.refusals);
  }

  // --- limits ---

  // The refusal of a whole request that is more than the tenant may send now.
  std::optional<Outcome> over_log_rate(Tenant& tenant, std::size_t lines, std::uint64_t bytes,
                                       std::int64_t now_ns) {
    auto bucket = tenant.log_bytes_allowed.lock();
    double wait = bucket->take(static_cast<double>(bytes), now_ns);
    if (wait == 0) return std::nullopt;
    return failure(
        Error(Code::resource_exhausted,
              fmt::format("ingestion rate limit exceeded for user {} (limit: {:.0f} bytes/sec) while "
                          "attempting to ingest '{}' lines totaling '{}' bytes, reduce log volume or "
                          "contact your Loki administrator to see if the limit can be increased",
                          tenant.label, bucket->per_second(), lines, bytes)),
        retry_seconds(wait));
  }

  std::optional<Outcome> over_span_rate(Tenant& tenant, std::size_t bytes, std::int64_t now_ns) {
    auto bucket = tenant.span_bytes_allowed.lock();
    auto amount = static_cast<double>(bytes);
    if (bucket->take(amount, now_ns) == 0) return std::nullopt;
    std::string limit = fmt::format("(local: {:.0f} bytes/s, global: 0 bytes/s, burst: {:.0f} bytes)",
                                    bucket->per_second(), bucket->burst());
    std::string words =
        amount > bucket->burst()
            ? fmt::format(
                  "RATE_LIMITED: batch size ({} bytes) exceeds ingestion limit {} while adding {} bytes for "
                  "user {}. consider reducing batch size or increasing rate limit.",
                  bytes, limit, bytes, tenant.label)
            : fmt::format(
                  "RATE_LIMITED: ingestion rate limit {} exceeded while adding {} bytes for user {}. "
                  "consider "
                  "increasing the limit or reducing ingestion rate.",
                  limit, bytes, tenant.label);
    return failure(Error(Code::resource_exhausted, std::move(words)), kRetrySeconds);
  }

  // Counts the streams of a request; those beyond the limit are refused unless `streams_max` is 0.
  void count_streams(Tenant& tenant, const LogBatch& batch, std::size_t streams_max, std::int64_t now_ns,
                     Refusals& refusals) {
    auto active = tenant.streams.lock();
    for (std::size_t s = 0; s < batch.streams.size(); ++s) {
      const LogStream& stream = batch.streams[s];
      std::uint32_t i = stream.entries_begin;
      std::uint32_t end = i + stream.entries_count;
      while (i < end && refusals.refused(i)) ++i;
      if (i == end || active->touch(stream_hash(batch.labels_of(stream)), streams_max, now_ns)) continue;
      for (; i < end; ++i) {
        if (refusals.refused(i)) continue;
        refusals.add(i, 1, Reason::stream_limit, s, [&] {
          return fmt::format(
              "maximum active stream limit exceeded when trying to create stream {}, reduce the number "
              "of active streams (reduce labels or reduce label values), or contact your Loki "
              "administrator to see if the limit can be increased, user: '{}'",
              label_text(batch.labels_of(stream)), tenant.label);
        });
      }
    }
  }

  void check_trace_sizes(Tenant& tenant, const Work& work, std::int64_t now_ns, Refusals& refusals) {
    std::size_t bytes_max = options.limits.trace_bytes_max;
    if (bytes_max == 0) return;
    const std::vector<Span>& received = work.spans.spans;
    auto live = live_traces.lock();
    for (std::size_t i = 0; i < received.size();) {
      std::size_t end = i;
      std::size_t bytes = 0;
      for (; end < received.size() && received[end].trace_id == received[i].trace_id; ++end)
        bytes += work.span_bytes[end];
      if (!live->add(tenant.hash, received[i].trace_id, bytes, bytes_max, now_ns))
        refusals.add(i, end - i, Reason::trace_too_large, 0, [&] {
          return fmt::format(
              "TRACE_TOO_LARGE: max size of trace ({}) exceeded while adding {} bytes to trace {} for "
              "user {}",
              bytes_max, bytes, to_hex(received[i].trace_id), tenant.label);
        });
      i = end;
    }
  }

  // --- results ---

  void count_refused(const Signal& signal, const Tenant& tenant, const Refusals& refusals) {
    if (refusals.count() == 0) return;
    for (std::size_t r = 0; r < static_cast<std::size_t>(Reason::count_); ++r)
      if (std::uint64_t n = refusals.count_of(static_cast<Reason>(r)); n > 0)
        count_refused(signal, tenant, static_cast<Reason>(r), n);
  }
  void count_refused(const Signal& signal, const Tenant& tenant, Reason reason, std::uint64_t n) {
    std::string name(reason_name(reason));
    metrics
        .counter("weft_ingest_rejected_rows_total", "Log lines and spans refused, by reason.",
                 {{"signal", signal.name}, {"reason", name}})
        .add(n);
    bool is_log = &signal == &logs;
    metrics
        .counter(is_log ? "loki_discarded_samples_total" : "tempo_discarded_spans_total",
                 is_log ? "Log lines refused, by reason and tenant." : "Spans refused, by reason and tenant.",
                 {{"reason", name}, {"tenant", tenant.label}})
        .add(n);
  }

  Outcome outcome_of(const Refusals& refusals, std::uint64_t accepted) {
    Outcome outcome;
    outcome.accepted = accepted;
    outcome.rejected = refusals.count();
    if (outcome.rejected > 0) {
      bool wait = refusals.count_of(Reason::stream_limit) > 0;
      outcome.result = Error(wait ? Code::resource_exhausted : Code::invalid_argument, refusals.text());
      outcome.retry_after_seconds = wait ? kRetrySeconds : 0;
    }
    return outcome;
  }

  // What storage calls back: the outcome as it stands, or what storage could not do.
  storage::Store::Done when_stored(Signal& signal, std::uint64_t bytes, Outcome outcome, Done done,
                                   Tail::Ticket ticket = {}) {
    return [&rows = signal.rows, &durable = signal.bytes, bytes, outcome = std::move(outcome),
            done = std::move(done), ticket = std::move(ticket)](Result<void> stored) mutable {
      if (!stored) return done(failure(stored.error(), retry_after(stored.error().code())));
      ticket.publish();
      rows.add(outcome.accepted);
      durable.add(bytes);
      done(std::move(outcome));
    };
  }

  // --- the two paths ---

  void push_logs(Frame frame, Done done) {
    Lease work = lease();
    if (auto decoded = decode_logs(frame, *work); !decoded) return done(failure(decoded.error()));
    Refusals& refusals = work->refusals;
    LogBatch& batch = work->logs;
    Tenant& tenant = tenants.get(frame.tenant);
    tenant.log_lines.add(batch.entries.size());
    std::uint64_t bytes = bytes_of(batch, refusals);
    tenant.log_bytes.add(bytes);

    std::size_t marked = refusals.marked();
    LogChecks checks{options.limits, frame.received_ns};
    check_logs(batch, work->discovered, checks, refusals);
    std::size_t lines = batch.entries.size() - refusals.marked();
    if (refusals.marked() != marked) bytes = bytes_of(batch, refusals);
    if (auto refused = over_log_rate(tenant, lines, bytes, frame.received_ns)) {
      count_refused(logs, tenant, Reason::rate_limited, lines);
      refused->rejected = lines + refusals.count();
      return done(std::move(*refused));
    }
    count_streams(tenant, batch, options.limits.streams_max, frame.received_ns, refusals);
    count_refused(logs, tenant, refusals);
    finish_logs(frame.kind, *work);
    Outcome outcome = outcome_of(refusals, batch.entries.size());
    if (batch.entries.empty()) return done(std::move(outcome));
    std::string note = refusals.note();
    frame.rejected = note;
    Tail::Ticket ticket = tail.begin(frame.tenant, batch);
    store.append(frame, batch,
                 when_stored(logs, bytes, std::move(outcome), std::move(done), std::move(ticket)));
  }

  void push_spans(Frame frame, Done done) {
    Lease work = lease();
    std::size_t bytes = 0;
    if (auto decoded = decode_spans(frame, *work, bytes); !decoded) return done(failure(decoded.error()));
    Refusals& refusals = work->refusals;
    SpanBatch& batch = work->spans;
    Tenant& tenant = tenants.get(frame.tenant);
    std::size_t received = batch.spans.size() + work->rejected_spans.size();
    tenant.spans.add(received);
    tenant.span_bytes.add(bytes);

    if (auto refused = over_span_rate(tenant, bytes, frame.received_ns)) {
      count_refused(spans, tenant, Reason::rate_limited, received);
      refused->rejected = received;
      return done(std::move(*refused));
    }
    check_trace_sizes(tenant, *work, frame.received_ns, refusals);
    count_refused(spans, tenant, refusals);
    remove_refused(batch, refusals);
    Outcome outcome = outcome_of(refusals, batch.spans.size());
    if (batch.spans.empty()) return done(std::move(outcome));
    std::string note = refusals.note();
    frame.rejected = note;
    store.append(frame, batch, when_stored(spans, bytes, std::move(outcome), std::move(done)));
  }

  Result<void> replay(const Frame& frame) {
    Lease work = lease();
    if (is_spans(frame.kind)) {
      std::size_t bytes = 0;
      TRY(decode_spans(frame, *work, bytes));
      TRY(work->refusals.read_note(frame.rejected));
      remove_refused(work->spans, work->refusals);
      store.replay_spans(frame.tenant, work->spans);
    } else {
      TRY(decode_logs(frame, *work));
      TRY(work->refusals.read_note(frame.rejected));
      count_streams(tenants.get(frame.tenant), work->logs, 0, frame.received_ns, work->refusals);
      finish_logs(frame.kind, *work);
      store.replay_logs(frame.tenant, work->logs);
    }
    return {};
  }

  const Options options;
  storage::Store& store;
  const Clock& clock;
  Registry& metrics;
  Tenants tenants;
  Tail tail{kTailBytesMax, metrics};
  Guarded<LiveTraces> live_traces;
  Guarded<std::vector<std::unique_ptr<Work>>> idle;
  Signal logs{"logs", metrics};
  Signal spans{"traces", metrics};
  Counter& attributes_cut = metrics.counter("tempo_distributor_attributes_truncated_total",
                                            "Keys and values of span attributes cut to the length allowed.");
};

Pipeline::Pipeline(Options options, storage::Store& store, const Clock& clock, Registry& metrics)
    : impl_(std::make_unique<Impl>(std::move(options), store, clock, metrics)) {}

Pipeline::~Pipeline() = default;

void Pipeline::push(FrameKind kind, Codec encoding, const TenantId& tenant, std::string body, Done done) {
  Frame frame;
  frame.tenant = tenant;
  frame.kind = kind;
  frame.encoding = encoding;
  frame.received_ns = impl_->clock.now_ns();
  frame.body = body;
  if (is_spans(kind)) {
    impl_->push_spans(std::move(frame), std::move(done));
  } else {
    impl_->push_logs(std::move(frame), std::move(done));
  }
}

Result<void> Pipeline::replay(const Frame& frame) {
  return impl_->replay(frame);
}

Tail& Pipeline::tail() {
  return impl_->tail;
}

const Options& Pipeline::options() const {
  return impl_->options;
}

}  // namespace weft::ingest

#include "api/tempo/format.h"
#include "api/tempo/render.h"
#include "api/tempo/request.h"
#include "api/tempo/tempo.h"
#include "base/protozero.h"
#include "wire/otlp.h"

namespace weft::api {
namespace {

using tempo::Format;
using tempo::wanted;

bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

Result<TraceId> id_from(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i)
    if (!is_hex(text[i]))
      return Error(Code::invalid_argument, "trace IDs can only contain hex characters: invalid character '" +
                                               std::string(1, text[i]) + "' at position " +
                                               std::to_string(i + 1));
  while (text.size() > 32 && text.front() == '0') text.remove_prefix(1);
  auto id = parse_trace_id(text);
  if (!id) return Error(Code::invalid_argument, "trace IDs can't be larger than 128 bits");
  return *id;
}

// The trace, empty when there is none in the range asked for.
struct Found {
  std::shared_ptr<const storage::Snapshot> snapshot;
  SpanBatch trace;
};

Result<void> find(Call& call, Found& found) {
  TraceId id = TRY(id_from(call.param));
  Parameters parameters(call.request);
  TimeRange range = TRY(tempo::time_range(parameters, call.services.clock.now_ns()));
  found.snapshot = call.services.store.snapshot();
  if (!found.snapshot->trace(call.tenant, id, found.trace)) {
    found.trace.clear();
    return {};
  }
  bool overlaps = std::ranges::any_of(found.trace.spans, [&](const Span& s) {
    return static_cast<std::int64_t>(s.start_ns) < range.end_ns &&
           static_cast<std::int64_t>(std::max(s.end_ns, s.start_ns)) >= range.start_ns;
  });
  if (!overlaps) found.trace.clear();
  return {};
}

}  // namespace

void tempo_trace_v1(Call& call) {
  Found found;
  if (auto r = find(call, found); !r) return send_error(call.responder, r.error());
  if (found.trace.spans.empty()) return call.responder.send({404, {}, ""});
  if (wanted(call.request) == Format::protobuf)
    return tempo::send_protobuf(call.responder, wire::encode_otlp_traces(found.trace));
  std::string json = "{\"batches\":";
  tempo::append_resource_spans(json, found.trace);
  send_json(call.responder, json + "}");
}

void tempo_trace_v2(Call& call) {
  Found found;
  if (auto r = find(call, found); !r) return send_error(call.responder, r.error());
  Format format = wanted(call.request);
  if (format == Format::protobuf) {
    std::string body;
    protozero::pbf_writer w(body);
    w.add_message(1, found.trace.spans.empty() ? std::string() : wire::encode_otlp_traces(found.trace));
    w.add_message(2, std::string());
    return tempo::send_protobuf(call.responder, std::move(body));
  }
  if (format == Format::llm) {
    std::string json = "{\"trace\":";
    tempo::append_trace_for_llm(json, found.trace);
    return tempo::send_llm(call.responder, json + R"(,"metrics":{},"status":"COMPLETE","message":""})");
  }
  std::string json = "{\"trace\":{";
  if (!found.trace.spans.empty()) {
    json += "\"resourceSpans\":";
    tempo::append_resource_spans(json, found.trace);
  }
  send_json(call.responder, json + "},\"metrics\":{}}");
}

}  // namespace weft::api

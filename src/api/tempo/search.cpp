#include "api/tempo/format.h"
#include "api/tempo/messages.h"
#include "api/tempo/render.h"
#include "api/tempo/request.h"
#include "api/tempo/tempo.h"
#include "net/grpc.h"
#include "wire/protobuf_reading.h"

namespace weft::api {
namespace {

struct MetricsMessage {
  std::string query;
  std::uint64_t start = 0, end = 0, step = 0;
  std::uint32_t exemplars = 0, series = 0;
};

Result<MetricsMessage> read_metrics(std::string_view message) {
  MetricsMessage m;
  TRY(wire::read_protobuf(message, "metrics query", [&](wire::pbf_reader reader) {
    while (reader.next()) switch (reader.tag_and_type()) {
        case wire::bytes_field(1): m.query = reader.get_string(); break;
        case wire::varint_field(2): m.start = reader.get_uint64(); break;
        case wire::varint_field(3): m.end = reader.get_uint64(); break;
        case wire::varint_field(4): m.step = reader.get_uint64(); break;
        case wire::varint_field(16): m.exemplars = reader.get_uint32(); break;
        case wire::varint_field(17): m.series = reader.get_uint32(); break;
        default: reader.skip();
      }
  }));
  return m;
}

constexpr std::size_t kMessageBytesMax = std::size_t{1} << 20;

// Answers a stream in messages of at most about 1 MiB, since Grafana takes 4 MiB at most. Every
// one carries `metrics`, and there is always at least one.
void stream_search(Call& call) {
  net::GrpcStream stream(call.responder);
  auto message = net::grpc_message(call.request, {});
  if (!message) return stream.fail(message.error());
  auto parameters = tempo::search_request(*message);
  if (!parameters) return stream.fail(parameters.error());
  auto search = tempo::search_from(call, *parameters);
  if (!search) return stream.fail(search.error());
  exec::Context context(query_bounds(call));
  auto traces = tempo::run(call, *search, context);
  if (!traces) return stream.fail(traces.error());
  std::size_t sent = 0;
  do {
    std::vector<traceql::FoundTrace> part;
    std::size_t bytes = 0;
    while (sent < traces->size() && bytes < kMessageBytesMax / 2) {
      part.push_back(std::move((*traces)[sent++]));
      bytes += 200 + part.back().span_sets.size() * 50;
      for (const auto& set : part.back().span_sets)
        for (const auto& span : set.spans) bytes += 60 + span.attributes.size() * 60;
    }
    if (!stream.message(tempo::search_protobuf(part, context.stats()))) return;
  } while (sent < traces->size());
  stream.end();
}

void stream_metrics(Call& call, bool instant) {
  net::GrpcStream stream(call.responder);
  auto message = net::grpc_message(call.request, {});
  if (!message) return stream.fail(message.error());
  auto fields = read_metrics(*message);
  if (!fields) return stream.fail(fields.error());
  tempo::Metrics metrics;
  metrics.q = fields->query;
  metrics.params.tenant = call.tenant;
  metrics.params.start_ns = static_cast<std::int64_t>(fields->start);
  metrics.params.end_ns = static_cast<std::int64_t>(fields->end);
  if (!instant) metrics.params.step_ns = static_cast<std::int64_t>(fields->step);
  if (fields->exemplars != 0) metrics.params.exemplars = std::min<std::size_t>(fields->exemplars, 100);
  metrics.params.series_max = fields->series;
  if (auto r = tempo::check_metrics(call.services.limits, metrics.params, instant); !r)
    return stream.fail(r.error());
  exec::Context context(query_bounds(call));
  auto answer = tempo::run(call, metrics, context);
  if (!answer) return stream.fail(answer.error());
  if (stream.message(tempo::metrics_protobuf(*answer, instant, context.stats()))) stream.end();
}

void metrics(Call& call, bool instant) {
  auto request = tempo::metrics_from(call, Parameters(call.request), instant);
  if (!request) return send_error(call.responder, request.error());
  exec::Context context(query_bounds(call));
  auto answer = tempo::run(call, *request, context);
  if (!answer) return send_error(call.responder, answer.error());
  send_json(call.responder, tempo::metrics_json(*answer, instant, context.stats()));
}

}  // namespace

void tempo_search(Call& call) {
  auto search = tempo::search_from(call, Parameters(call.request));
  if (!search) return send_error(call.responder, search.error());
  exec::Context context(query_bounds(call));
  auto traces = tempo::run(call, *search, context);
  if (!traces) return send_error(call.responder, traces.error());
  if (tempo::wanted(call.request) == tempo::Format::protobuf)
    return tempo::send_protobuf(call.responder, tempo::search_protobuf(*traces, context.stats()));
  send_json(call.responder, tempo::search_json(*traces, context.stats()));
}

void tempo_metrics_range(Call& call) {
  metrics(call, false);
}
void tempo_metrics_instant(Call& call) {
  metrics(call, true);
}
void tempo_stream_search(Call& call) {
  stream_search(call);
}
void tempo_stream_metrics_range(Call& call) {
  stream_metrics(call, false);
}
void tempo_stream_metrics_instant(Call& call) {
  stream_metrics(call, true);
}

}  // namespace weft::api

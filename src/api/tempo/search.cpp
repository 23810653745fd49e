#include "api/tempo/render.h"
#include "api/tempo/request.h"
#include "api/tempo/tempo.h"
#include "base/protozero.h"
#include "net/grpc.h"
#include "text/json_writer.h"
#include "text/logfmt.h"

namespace weft::api {
namespace {

bool wants_protobuf(const net::Request& request) {
  return request.header("accept").find("application/protobuf") != std::string_view::npos;
}

void send_protobuf(const net::Responder& responder, std::string body) {
  responder.send({200, {{"content-type", "application/protobuf"}}, std::move(body)});
}

// The fields of SearchRequest that matter here, as URL parameters: one path for both.
Result<tempo::Search> search_from_message(const Call& call, std::string_view message) {
  net::Request request;
  auto add = [&](std::string_view name, std::string_view value) {
    request.query +=
        (request.query.empty() ? "" : "&") + std::string(name) + "=" + net::percent_encode(value);
  };
  std::string tags;
  try {
    protozero::pbf_reader reader(message.data(), message.size());
    while (reader.next()) switch (reader.tag()) {
        case 1: {
          protozero::pbf_reader entry = reader.get_message();
          std::string key, value;
          while (entry.next()) {
            if (entry.tag() == 1) {
              key = entry.get_string();
            } else if (entry.tag() == 2) {
              value = entry.get_string();
            } else {
              entry.skip();
            }
          }
          tags += (tags.empty() ? "" : " ") + key + "=";
          text::append_json_string(tags, value);
          break;
        }
        case 2: add("minDuration", std::to_string(reader.get_uint32()) + "ms"); break;
        case 3: add("maxDuration", std::to_string(reader.get_uint32()) + "ms"); break;
        case 4: add("limit", std::to_string(reader.get_uint32())); break;
        case 5: add("start", std::to_string(reader.get_uint32())); break;
        case 6: add("end", std::to_string(reader.get_uint32())); break;
        case 8: add("q", reader.get_string()); break;
        case 9: add("spss", std::to_string(reader.get_uint32())); break;
        default: reader.skip();
      }
  } catch (const protozero::exception&) {
    return Error(Code::invalid_argument, "not a SearchRequest message");
  }
  if (!tags.empty()) add("tags", tags);
  return tempo::search_from(call, Parameters(request));
}

struct MetricsMessage {
  std::string query;
  std::uint64_t start = 0, end = 0, step = 0;
  std::uint32_t exemplars = 0, series = 0;
};

Result<MetricsMessage> read_metrics(std::string_view message) {
  MetricsMessage m;
  try {
    protozero::pbf_reader reader(message.data(), message.size());
    while (reader.next()) switch (reader.tag()) {
        case 1: m.query = reader.get_string(); break;
        case 2: m.start = reader.get_uint64(); break;
        case 3: m.end = reader.get_uint64(); break;
        case 4: m.step = reader.get_uint64(); break;
        case 16: m.exemplars = reader.get_uint32(); break;
        case 17: m.series = reader.get_uint32(); break;
        default: reader.skip();
      }
  } catch (const protozero::exception&) {
    return Error(Code::invalid_argument, "not a metrics query message");
  }
  return m;
}

constexpr std::size_t kMessageBytesMax = std::size_t{1} << 20;

// Answers a stream in messages of at most about 1 MiB, since Grafana takes 4 MiB at most. Every
// one carries `metrics`, and there is always at least one.
void stream_search(Call& call) {
  net::GrpcStream stream(call.responder);
  auto message = net::grpc_message(call.request, {});
  if (!message) return stream.fail(message.error());
  auto search = search_from_message(call, *message);
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
  if (wants_protobuf(call.request))
    return send_protobuf(call.responder, tempo::search_protobuf(*traces, context.stats()));
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

#include <set>

#include "api/tempo/format.h"
#include "api/tempo/messages.h"
#include "api/tempo/request.h"
#include "api/tempo/tags_render.h"
#include "api/tempo/tempo.h"
#include "net/grpc.h"

namespace weft::api {
namespace {

constexpr std::size_t kValuesMax = 100'000;
constexpr std::size_t kMessageBytesMax = std::size_t{1} << 20;

using tempo::Format;

// Grafana before 12.2 encodes the tag twice; the router decoded it once.
std::string tag_of(const Call& call) {
  return call.param.find('%') == std::string::npos ? call.param : net::percent_decode(call.param, false);
}

Result<std::size_t> limit(const Parameters& parameters) {
  auto n = parameters.integer("limit", 0, "ParseUint");
  if (!n) return n.error().in_context("invalid limit");
  return *n <= 0 ? kValuesMax : std::min(static_cast<std::size_t>(*n), kValuesMax);
}

// What every question about tags needs.
struct Asked {
  TenantId tenant;
  const Parameters& parameters;
  std::string tag;  // of questions about values
  std::size_t limit = 0;
  TimeRange range;
  std::shared_ptr<const storage::Snapshot> snapshot;
  exec::Context& context;
};

// --- the four questions: find() looks for items, the others write them, all or some ---

struct TagNames {
  using Items = std::vector<std::string>;
  static Result<Items> find(const Asked& asked) {
    std::string_view scope = asked.parameters.get("scope");
    auto scopes =
        TRY(traceql::tag_names(scope, "", asked.tenant, asked.range, *asked.snapshot, asked.context));
    std::set<std::string> names;
    for (const traceql::ScopedTags& s : scopes)
      if (s.scope != "intrinsic" || scope == "intrinsic") names.insert(s.tags.begin(), s.tags.end());
    Items items(names.begin(), names.end());
    items.resize(std::min(items.size(), asked.limit));
    return items;
  }
  static std::string json(std::span<const std::string> items, const exec::Stats& stats) {
    return tempo::texts_json("tagNames", items, stats);
  }
  static constexpr auto protobuf = tempo::texts_protobuf;
  static std::size_t bytes(const std::string& item) { return item.size() + 4; }
};

struct ScopedTagNames {
  using Items = std::vector<traceql::ScopedTags>;
  static Result<Items> find(const Asked& asked) {
    auto scopes = TRY(traceql::tag_names(asked.parameters.get("scope"), asked.parameters.get("q"),
                                         asked.tenant, asked.range, *asked.snapshot, asked.context));
    for (traceql::ScopedTags& s : scopes) s.tags.resize(std::min(s.tags.size(), asked.limit));
    return scopes;
  }
  static constexpr auto json = tempo::scopes_json;
  static constexpr auto protobuf = tempo::scopes_protobuf;
  static std::size_t bytes(const traceql::ScopedTags& item) {
    std::size_t n = item.scope.size() + 8;
    for (const std::string& tag : item.tags) n += tag.size() + 4;
    return n;
  }
};

struct TagTexts {
  using Items = std::vector<std::string>;
  static Result<Items> find(const Asked& asked) {
    return traceql::tag_values_v1(asked.tag, asked.limit, asked.tenant, asked.range, *asked.snapshot,
                                  asked.context);
  }
  static std::string json(std::span<const std::string> items, const exec::Stats& stats) {
    return tempo::texts_json("tagValues", items, stats);
  }
  static constexpr auto protobuf = tempo::texts_protobuf;
  static std::size_t bytes(const std::string& item) { return item.size() + 4; }
};

struct TypedValues {
  using Items = std::vector<traceql::TagValue>;
  static Result<Items> find(const Asked& asked) {
    return traceql::tag_values(asked.tag, asked.parameters.get("q"), asked.limit, asked.tenant, asked.range,
                               *asked.snapshot, asked.context);
  }
  static constexpr auto json = tempo::values_json;
  static constexpr auto protobuf = tempo::values_protobuf;
  static constexpr auto llm = tempo::values_llm;
  static std::size_t bytes(const traceql::TagValue& item) { return item.type.size() + item.value.size() + 8; }
};

// --- how they are asked ---

template <class Question>
Result<typename Question::Items> find(const Call& call, const Parameters& parameters, std::string tag,
                                      exec::Context& context) {
  TimeRange range = TRY(tempo::time_range(parameters, call.services.clock.now_ns()));
  std::size_t most = TRY(limit(parameters));
  return Question::find(
      {call.tenant, parameters, std::move(tag), most, range, call.services.store.snapshot(), context});
}

template <class Question>
void answer(Call& call) {
  Parameters parameters(call.request);
  exec::Context context(query_bounds(call));
  auto items = find<Question>(call, parameters, tag_of(call), context);
  if (!items) return send_error(call.responder, items.error());
  Format format = tempo::wanted(call.request);
  if (format == Format::protobuf)
    return tempo::send_protobuf(call.responder, Question::protobuf(*items, context.stats()));
  if constexpr (requires { Question::llm(*items, context.stats()); })
    if (format == Format::llm) return tempo::send_llm(call.responder, Question::llm(*items, context.stats()));
  send_json(call.responder, Question::json(*items, context.stats()));
}

// In messages of about 1 MiB, since clients take 4 MiB at most; there is always one.
template <class Question>
void stream(Call& call, Result<Parameters> (*read)(std::string_view)) {
  net::GrpcStream out(call.responder);
  auto message = net::grpc_message(call.request, {});
  if (!message) return out.fail(message.error());
  auto parameters = read(*message);
  if (!parameters) return out.fail(parameters.error());
  exec::Context context(query_bounds(call));
  auto items = find<Question>(call, *parameters, std::string(parameters->get("tag")), context);
  if (!items) return out.fail(items.error());
  auto rest = std::span(std::as_const(*items));
  do {
    std::size_t count = 0, bytes = 0;
    while (count < rest.size() && (count == 0 || bytes < kMessageBytesMax))
      bytes += Question::bytes(rest[count++]);
    if (!out.message(Question::protobuf(rest.first(count), context.stats()))) return;
    rest = rest.subspan(count);
  } while (!rest.empty());
  out.end();
}

}  // namespace

void tempo_tags_v1(Call& call) {
  answer<TagNames>(call);
}
void tempo_tags_v2(Call& call) {
  answer<ScopedTagNames>(call);
}
void tempo_tag_values_v1(Call& call) {
  answer<TagTexts>(call);
}
void tempo_tag_values_v2(Call& call) {
  answer<TypedValues>(call);
}

void tempo_stream_tags_v1(Call& call) {
  stream<TagNames>(call, tempo::tags_request);
}
void tempo_stream_tags_v2(Call& call) {
  stream<ScopedTagNames>(call, tempo::tags_request);
}
void tempo_stream_tag_values_v1(Call& call) {
  stream<TagTexts>(call, tempo::tag_values_request);
}
void tempo_stream_tag_values_v2(Call& call) {
  stream<TypedValues>(call, tempo::tag_values_request);
}

}  // namespace weft::api

#include "app/shop_story.h"

#include <algorithm>
#include <ctime>

#include "base/hash.h"
#include "model/time.h"
#include "text/units.h"

namespace weft::app {

namespace {

// The time of the story goes into its ids, so that two plays of one seed do not share traces.
template <class Id>
Id random_id(Random& random, std::int64_t start_ns) {
  Id id;
  for (std::size_t at = 0; at < id.bytes.size(); at += 8) {
    // Never all zero.
    const std::uint64_t bits = hash_combine(random.next(), static_cast<std::uint64_t>(start_ns)) | 1;
    std::memcpy(id.bytes.data() + at, &bits, 8);
  }
  return id;
}

std::string upper(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(),
                         [](char c) { return 'a' <= c && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return out;
}

// The values of logfmt need quotes where they hold anything but a plain word.
void append_logfmt(std::string& out, std::string_view key, const Value& value) {
  std::string text;
  if (value.type == Value::Type::string) {
    text = value.as_text();
  } else {
    wire::append_plain_json(text, value);
  }
  out += ' ';
  out += key;
  out += '=';
  if (text.empty() || text.find_first_of(" =\"\\\n\t") != std::string::npos) {
    append_quoted(out, text);
  } else {
    out += text;
  }
}

struct LineParts {
  const ShopService& service;
  std::int64_t time_ns;
  std::string_view level, message;
  std::string trace_id, span_id;
  std::span<const Attribute> fields;
};

std::string json_line(const LineParts& parts) {
  std::string out = "{\"time\":\"" + text::format_rfc3339(parts.time_ns) + "\",\"level\":\"" +
                    upper(parts.level) + "\",\"msg\":";
  wire::append_plain_json(out, Value::of(parts.message));
  out +=
      ",\"trace_id\":\"" + parts.trace_id + "\",\"span_id\":\"" + parts.span_id + "\",\"trace_sampled\":true";
  for (const Attribute& field : parts.fields) {
    out += ',';
    wire::append_plain_json(out, Value::of(field.key));
    out += ':';
    wire::append_plain_json(out, field.value);
  }
  return out + "}";
}

std::string logfmt_line(const LineParts& parts) {
  std::string out = "ts=" + text::format_rfc3339(parts.time_ns);
  append_logfmt(out, "level", Value::of(parts.level));
  append_logfmt(out, "msg", Value::of(parts.message));
  out += " trace_id=" + parts.trace_id + " span_id=" + parts.span_id;
  for (const Attribute& field : parts.fields) append_logfmt(out, field.key, field.value);
  return out;
}

// Spring Boot's layout, with [service,trace,span] as its tracing libraries put it.
std::string plain_line(const LineParts& parts) {
  const std::time_t seconds = parts.time_ns / kNsPerSecond;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char date[32];
  std::strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S", &utc);
  std::string out =
      fmt::format("{}.{:03d} {:>5} [{},{},{}] 1 --- [nio-8080-exec-{}] c.s.{}.StockService : {}", date,
                  parts.time_ns / kNsPerMs % 1000, upper(parts.level), parts.service.name, parts.trace_id,
                  parts.span_id, 1 + (parts.time_ns / 1000) % 10, parts.service.name, parts.message);
  for (const Attribute& field : parts.fields) append_logfmt(out, field.key, field.value);
  return out;
}

}  // namespace

Story::Story(Random& random, std::int64_t start_ns, ShopScene& scene)
    : random_(random),
      scene_(scene),
      now_ns_(start_ns),
      start_ns_(start_ns),
      trace_id_(random_id<TraceId>(random, start_ns)),
      pods_(static_cast<std::uint32_t>(random.next() >> 32)) {}

Story::~Story() {
  while (!open_.empty()) end();
  Arena& arena = scene_.spans.arena;
  for (Draft& draft : drafts_) {
    draft.span.attributes = arena.copy(std::span<const Attribute>(draft.attributes));
    draft.span.events = arena.copy(std::span<const SpanEvent>(draft.events));
    draft.span.links = arena.copy(std::span<const SpanLink>(draft.links));
    scene_.errors += draft.span.status == SpanStatus::error;
    scene_.end_ns = std::max(scene_.end_ns, static_cast<std::int64_t>(draft.span.end_ns));
    scene_.spans.spans.push_back(draft.span);
  }
}

void Story::pass_ms(double median, double sigma) {
  // Bounded, so that no visit outgrows kShopVisitMaxNs.
  pass_exactly_ms(std::min(random_.log_normal(median, sigma), median * 6));
}

void Story::begin(ServiceIndex service, SpanKind kind, std::string_view name) {
  const std::uint32_t resource = service * static_cast<std::uint32_t>(kShopPods) + ((pods_ >> service) & 1);
  Draft& draft = drafts_.emplace_back();
  draft.span.trace_id = trace_id_;
  draft.span.span_id = random_id<SpanId>(random_, start_ns_);
  if (!open_.empty()) draft.span.parent_id = open_.back()->span.span_id;
  draft.span.name = scene_.spans.arena.copy(name);
  draft.span.kind = kind;
  draft.span.flags = 1;  // sampled
  draft.span.start_ns = static_cast<std::uint64_t>(now_ns_);
  draft.span.resource = resource;
  draft.span.scope = resource;
  open_.push_back(&draft);
}

void Story::end() {
  open_.back()->span.end_ns = static_cast<std::uint64_t>(now_ns_);
  open_.pop_back();
}

SpanPlace Story::here() const {
  return {trace_id_, open_.back()->span.span_id};
}

void Story::set(std::string_view key, Value value) {
  open_.back()->attributes.push_back({key, copy_value(value, scene_.spans.arena)});
}

void Story::event(std::string_view name, std::initializer_list<Attribute> attributes) {
  open_.back()->events.push_back(
      {.time_ns = static_cast<std::uint64_t>(now_ns_),
       .name = scene_.spans.arena.copy(name),
       .attributes = copy_attributes({attributes.begin(), attributes.size()}, scene_.spans.arena)});
}

void Story::link(const SpanPlace& to, std::initializer_list<Attribute> attributes) {
  open_.back()->links.push_back(
      {.trace_id = to.trace_id,
       .span_id = to.span_id,
       .attributes = copy_attributes({attributes.begin(), attributes.size()}, scene_.spans.arena),
       .flags = 1});
}

void Story::fail(std::string_view message) {
  open_.back()->span.status = SpanStatus::error;
  open_.back()->span.status_message = scene_.spans.arena.copy(message);
}

void Story::exception(std::string_view type, std::string_view message, std::string_view stack) {
  event("exception", {{"exception.type", Value::of(type)},
                      {"exception.message", Value::of(message)},
                      {"exception.stacktrace", Value::of(stack)}});
  fail(message);
}

void Story::log(std::string_view level, std::string_view message, std::initializer_list<Attribute> fields) {
  const Span& span = open_.back()->span;
  const ShopService& service = shop_services()[span.resource / kShopPods];
  const LineParts parts{service, now_ns_, level, message, to_hex(span.trace_id), to_hex(span.span_id),
                        fields};
  switch (service.format) {
    case LogFormat::json: log_line(level, json_line(parts)); return;
    case LogFormat::logfmt: log_line(level, logfmt_line(parts)); return;
    case LogFormat::plain: log_line(level, plain_line(parts)); return;
    case LogFormat::otlp:
      log_line(level, message);
      scene_.logs.back().fields = copy_attributes({fields.begin(), fields.size()}, scene_.spans.arena);
      return;
  }
}

void Story::log_line(std::string_view level, std::string_view line) {
  const Span& span = open_.back()->span;
  scene_.logs.push_back({.time_ns = now_ns_,
                         .resource = span.resource,
                         .level = level,
                         .line = scene_.spans.arena.copy(line),
                         .trace_id = span.trace_id,
                         .span_id = span.span_id});
  scene_.end_ns = std::max(scene_.end_ns, now_ns_);
  now_ns_ += random_.between(20'000, 120'000);  // writing a line takes time too, and keeps them in order
}

}  // namespace weft::app

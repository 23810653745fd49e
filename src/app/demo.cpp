#include "app/demo.h"

#include <cstdio>

#include <fmt/format.h>
#include <unistd.h>

#include "app/arguments.h"
#include "app/interruption.h"
#include "app/shop.h"
#include "base/clock.h"
#include "base/compress.h"
#include "model/time.h"
#include "net/client.h"
#include "text/units.h"
#include "wire/loki_push.h"

namespace weft::app {

namespace {

constexpr Flag kFlags[] = {
    {"url", "URL", "http://127.0.0.1:3100", "where the server's HTTP API is (the Loki push endpoint)"},
    {"otlp", "URL", "http://127.0.0.1:4318", "where it takes OTLP over HTTP"},
    {"rate", "N", "5", "visitors a second, on average; each is a trace (an order is two)"},
    {"burst", "DURATION", "0",
     "play this much of the past at once, as fast as the server takes it, then end"},
    {"live", "", "", "go on at --rate after --burst"},
    {"duration", "DURATION", "0", "end after this long; 0 plays until Ctrl-C"},
    {"seed", "N", "1", "the same seed plays the same visits"},
    {"tenant", "NAME", "", "X-Scope-OrgID, where the server wants one"},
    {"quiet", "", "", "no progress and no suggestions", 'q'},
    {"help", "", "", "this text", 'h'},
};

void print_help() {
  fmt::print(
      "weft demo plays a small web shop into a running server, over the ports that real services\n"
      "use: traces and some logs by OTLP/HTTP, the other logs by Loki's push API.\n\n"
      "  weft serve &\n"
      "  weft demo                          5 visitors a second until Ctrl-C\n"
      "  weft demo --burst=1h               the last hour at once, then ends (--live: goes on)\n"
      "  weft demo --rate=50 --duration=1m  busier, for a minute\n\n"
      "Eight services: gateway, storefront, catalog, cart, checkout, payment-service, inventory and\n"
      "notifications. Payments are declined, the bank is retried, the inventory's database is slow\n"
      "for a minute or two out of ten, and an order's confirmation is sent later by a consumer whose\n"
      "trace links to the order's. Logs are JSON, logfmt, plain text and OTLP records; every line\n"
      "carries its trace id.\n\n{}",
      flags_help(kFlags));
}

struct Options {
  std::string url, otlp, tenant;
  double rate = 5;
  std::int64_t burst_ns = 0;
  std::int64_t duration_ns = 0;
  std::uint64_t seed = 1;
  bool live = false;
  bool quiet = false;
};

Result<Options> options_from(const Arguments& arguments) {
  if (!arguments.positional().empty()) {
    return Error(Code::invalid_argument,
                 "unexpected argument " + arguments.positional()[0] + " (--help lists the flags)");
  }
  Options out;
  out.url = base_url(arguments.text("url"));
  out.otlp = base_url(arguments.text("otlp"));
  out.tenant = arguments.text("tenant");
  out.burst_ns = TRY(arguments.duration_ns("burst"));
  out.duration_ns = TRY(arguments.duration_ns("duration"));
  out.rate = TRY(arguments.number("rate", 0, 10'000));
  if (out.rate == 0) {
    if (out.burst_ns == 0) return Error(Code::invalid_argument, "--rate=0 plays nothing without --burst");
    out.rate = 5;
  }
  out.seed = static_cast<std::uint64_t>(TRY(arguments.integer("seed", 0, INT64_MAX)));
  out.live = arguments.is_set("live");
  out.quiet = arguments.is_set("quiet");
  return out;
}

class Play {
 public:
  explicit Play(Options options) : options_(std::move(options)), shop_(options_.seed) {}

  Result<void> run() {
    const std::int64_t now_ns = clock_.now_ns();
    // Without a burst the first seconds of the past are played at once, so that something is there.
    std::int64_t from_ns = now_ns - kShopVisitMaxNs - 10 * kNsPerSecond;
    if (options_.burst_ns > 0) {
      from_ns = TRY(burst(now_ns - options_.burst_ns, now_ns - kShopVisitMaxNs));
      if (!options_.live || interruption_.within(0)) return {};
    }
    return live(from_ns, now_ns);
  }

  void print_end() const {
    if (options_.quiet) return;
    fmt::print(stderr, "{}{} visits, {} spans ({} of them errors), {} log lines, {} sent\n",
               terminal_ ? "\r\033[K" : "", visits_, spans_, errors_, lines_, text::format_bytes(bytes_));
    if (visits_ == 0) return;
    fmt::print(
        "\nLook at it:\n"
        "  in Grafana        add {0} as a Tempo and as a Loki data source\n"
        "  the newest lines  weft query --url={0} '{{namespace=\"production\"}}'\n"
        "  all errors        weft query --url={0} '{{service_name=~\".+\"}} | detected_level=\"error\"'\n"
        "  slow queries      weft query --url={0} '{{app=\"inventory\"}} |= \"Slow query\"'\n"
        "  lines by service  weft query --url={0} 'sum by (service_name) "
        "(count_over_time({{service_name=~\".+\"}}[5m]))'\n"
        "  failed orders     curl -sG {0}/api/search --data-urlencode "
        "'q={{ resource.service.name=\"checkout\" && status=error }}'\n"
        "  slow requests     curl -sG {0}/api/search --data-urlencode 'q={{ kind=server && duration>1s }}'\n"
        "  one trace         weft trace --url={0} {1}\n",
        options_.url, to_hex(example_));
  }

 private:
  // Visits are grouped into requests of about this many: a few hundred kilobytes each.
  static constexpr std::size_t kVisitsPerRequest = 200;

  // Returns where the play stopped.
  Result<std::int64_t> burst(std::int64_t from_ns, std::int64_t to_ns) {
    ShopScene scene;
    std::int64_t at = from_ns;
    for (; at < to_ns; at += shop_.pause_ns(options_.rate)) {
      shop_.visit(at, scene);
      if (scene.visits < kVisitsPerRequest) continue;
      TRY(send(scene));
      progress(fmt::format("{:.0f}%",
                           100.0 * static_cast<double>(at - from_ns) / static_cast<double>(to_ns - from_ns)));
      scene.clear();
      if (interruption_.within(0)) return at;
    }
    TRY(send(scene));
    return at;
  }

  // Plays visits that started kShopVisitMaxNs ago, so that no span is sent before it ended.
  Result<void> live(std::int64_t next_ns, std::int64_t start_ns) {
    constexpr std::int64_t kTickNs = kNsPerSecond / 2;
    ShopScene scene;
    while (true) {
      const std::int64_t now_ns = clock_.now_ns();
      scene.clear();
      while (next_ns < now_ns - kShopVisitMaxNs) {
        shop_.visit(next_ns, scene);
        next_ns += shop_.pause_ns(options_.rate);
        if (scene.visits < kVisitsPerRequest) continue;
        TRY(send(scene));
        scene.clear();
      }
      TRY(send(scene));
      progress(shop_.database_is_slow(now_ns) ? "the inventory's database is slow now" : "");
      const std::int64_t left_ns =
          options_.duration_ns == 0 ? kTickNs : start_ns + options_.duration_ns - clock_.now_ns();
      if (left_ns <= 0 || interruption_.within(std::min(left_ns, kTickNs))) return {};
    }
  }

  Result<void> send(const ShopScene& scene) {
    if (scene.spans.spans.empty()) return {};
    TRY(post(options_.otlp + "/v1/traces", wire::encode_otlp_traces(scene.spans)));
    shop_log_streams(scene, streams_);
    if (!streams_.entries.empty()) {
      const std::string body = TRY(compress(Codec::snappy_block, wire::encode_loki_push(streams_)));
      TRY(post(options_.url + "/loki/api/v1/push", body));
    }
    shop_otlp_logs(scene, otlp_logs_);
    if (!otlp_logs_.records.empty())
      TRY(post(options_.otlp + "/v1/logs", wire::encode_otlp_logs(otlp_logs_)));
    visits_ += scene.visits;
    spans_ += scene.spans.spans.size();
    errors_ += scene.errors;
    lines_ += scene.logs.size();
    // The example is worth looking at: the longest trace that has an error, so far.
    for (const Span& span : scene.spans.spans) {
      if (!span.parent_id.is_zero() || span.duration_ns() <= example_ns_) continue;
      if (scene.errors > 0 && span.status != SpanStatus::error && example_ns_ > 0) continue;
      example_ = span.trace_id;
      example_ns_ = span.duration_ns();
    }
    return {};
  }

  // Again after a pause where the server says so (429, 503), for a while.
  Result<void> post(const std::string& url, const std::string& body) {
    net::ClientRequest request{
        .method = "POST", .url = url, .headers = {{"content-type", "application/x-protobuf"}}, .body = body};
    if (!options_.tenant.empty()) request.headers.emplace_back("x-scope-orgid", options_.tenant);
    constexpr int kAttempts = 8;
    for (int attempt = 1;; ++attempt) {
      const net::ClientResponse answer = TRY(client_.send(request));
      bytes_ += body.size();
      if (answer.status / 100 == 2) return {};
      const bool later = answer.status == 429 || answer.status == 503;
      if (!later || attempt == kAttempts || interruption_.within(attempt * 200 * kNsPerMs)) {
        return Error(Code::unavailable,
                     fmt::format("{} answered {}: {}", url, answer.status, answer.body.substr(0, 500)));
      }
    }
  }

  void progress(const std::string& note) {
    if (options_.quiet) return;
    const std::int64_t now_ns = steady_ns();
    if (now_ns - shown_ns_ < (terminal_ ? kNsPerSecond / 2 : 10 * kNsPerSecond)) return;
    shown_ns_ = now_ns;
    fmt::print(stderr, "{}{} visits, {} spans, {} lines{}{}{}", terminal_ ? "\r\033[K" : "", visits_, spans_,
               lines_, note.empty() ? "" : ", ", note, terminal_ ? "" : "\n");
    std::fflush(stderr);
  }

  Options options_;
  Shop shop_;
  SystemClock clock_;
  Interruption interruption_;
  net::Client client_;
  LogBatch streams_;
  wire::OtlpLogs otlp_logs_;
  std::size_t visits_ = 0, spans_ = 0, errors_ = 0, lines_ = 0, bytes_ = 0;
  TraceId example_;
  std::uint64_t example_ns_ = 0;
  std::int64_t shown_ns_ = 0;
  bool terminal_ = isatty(STDERR_FILENO) == 1;
};

}  // namespace

int demo(const std::vector<std::string>& args) {
  const Result<Arguments> arguments = Arguments::parse(args, kFlags);
  if (arguments && arguments->is_set("help")) {
    print_help();
    return 0;
  }
  Result<Options> options = arguments ? options_from(*arguments) : Result<Options>(arguments.error());
  if (!options) {
    fmt::print(stderr, "weft demo: {}\n", options.error().message());
    return 2;
  }
  Play play(std::move(*options));
  const Result<void> played = play.run();
  play.print_end();
  if (!played) {
    fmt::print(stderr, "weft demo: {}\n  is a server running? `weft serve` starts one\n",
               played.error().message());
    return 1;
  }
  return 0;
}

}  // namespace weft::app

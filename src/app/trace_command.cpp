#include <algorithm>
#include <cstdio>
#include <optional>
#include <tuple>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "app/arguments.h"
#include "app/client_commands.h"
#include "app/loki_client.h"
#include "app/waterfall.h"
#include "text/units.h"
#include "wire/otlp.h"

namespace weft::app {

namespace {

constexpr Flag kFlags[] = {
    {"url", "URL", "http://127.0.0.1:3100", "where the server's HTTP API is"},
    {"logs", "QUERY", "{service_name=~\".+\"}", "the streams whose lines are looked at; \"\" for none"},
    {"limit", "N", "1000", "at most so many log lines"},
    {"width", "N", "", "columns [the terminal's, or 120]"},
    {"no-events", "", "", "leave out the spans' events"},
    {"output", "FORM", "tree", "tree, or json as the server sends it", 'o'},
    {"tenant", "NAME", "", "X-Scope-OrgID, where the server wants one"},
    {"help", "", "", "this text", 'h'},
};

Result<std::size_t> width_of(const Arguments& arguments) {
  if (arguments.given("width")) return static_cast<std::size_t>(TRY(arguments.integer("width", 60, 1000)));
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 60) return std::size_t{size.ws_col};
  return std::size_t{120};
}

// Lines name a trace in their text or in their structured metadata; LogQL has no "or" between the
// two, hence two questions. A line that both find is one.
Result<std::vector<FoundLine>> logs_of(LokiClient& client, const SpanBatch& trace, const std::string& streams,
                                       std::size_t limit) {
  constexpr std::int64_t kAroundNs = 60 * kNsPerSecond;  // clocks differ, and work goes on after a request
  TimeRange range{INT64_MAX, 0};
  for (const Span& span : trace.spans) {
    range.start_ns = std::min(range.start_ns, static_cast<std::int64_t>(span.start_ns) - kAroundNs);
    range.end_ns =
        std::max(range.end_ns, static_cast<std::int64_t>(std::max(span.start_ns, span.end_ns)) + kAroundNs);
  }
  const std::string id = to_hex(trace.spans[0].trace_id);
  std::vector<FoundLine> lines;
  for (const std::string& filter : {fmt::format("|= \"{}\"", id), fmt::format("| trace_id=\"{}\"", id)}) {
    std::size_t found = 0;
    TRY(client.for_each_line({.query = streams + " " + filter,
                              .range = range,
                              .direction = Direction::forward,
                              .limit = std::min<std::size_t>(limit, 1000)},
                             [&](const FoundLine& line) {
                               lines.push_back(line);
                               return ++found < limit;
                             }));
  }
  std::ranges::sort(lines, [](const FoundLine& a, const FoundLine& b) {
    return std::tie(a.time_ns, a.line, a.labels) < std::tie(b.time_ns, b.line, b.labels);
  });
  const auto again = std::ranges::unique(lines);
  lines.erase(again.begin(), again.end());
  return lines;
}

Result<void> run(const Arguments& arguments) {
  if (arguments.positional().size() != 1)
    return Error(Code::invalid_argument,
                 "one trace id is needed: weft trace 4bf92f3577b34da6a3ce929d0e0e4736");
  const std::string& text = arguments.positional()[0];
  const std::optional<TraceId> id = parse_trace_id(text);
  if (!id) return Error(Code::invalid_argument, text + " is not a trace id: 1 to 32 hex digits");
  const std::string& output = arguments.text("output");
  if (output != "tree" && output != "json")
    return Error(Code::invalid_argument, "--output=" + output + ": must be tree or json");
  const std::size_t limit = static_cast<std::size_t>(TRY(arguments.integer("limit", 1, 100'000)));
  const WaterfallOptions options {
    .width = TRY(width_of(arguments))
    , .colour = isatty(STDOUT_FILENO) == 1, .events = !arguments.is_set("no-events")
  };

  LokiClient client(base_url(arguments.text("url")), arguments.text("tenant"));
  Result<std::string> body = client.get("/api/traces/" + to_hex(*id),
                                        output == "json" ? "application/json" : "application/protobuf");
  if (!body && body.error().code() == Code::not_found)
    return Error(Code::not_found, "there is no trace " + to_hex(*id));
  const std::string bytes = TRY(std::move(body));
  if (output == "json") {
    fmt::print("{}\n", bytes);
    return {};
  }
  SpanBatch trace;
  std::vector<wire::RejectedSpan> rejected;
  TRY(wire::decode_otlp_traces(bytes, trace, rejected));
  if (trace.spans.empty()) return Error(Code::not_found, "there is no trace " + to_hex(*id));
  std::vector<FoundLine> lines;
  if (!arguments.text("logs").empty()) {
    Result<std::vector<FoundLine>> found = logs_of(client, trace, arguments.text("logs"), limit);
    if (found) {
      lines = std::move(*found);
    } else {
      fmt::print(stderr, "weft trace: its logs cannot be read: {}\n", found.error().message());
    }
  }
  const std::string drawn = render_waterfall(trace, lines, options);
  std::fwrite(drawn.data(), 1, drawn.size(), stdout);
  return {};
}

}  // namespace

int trace(const std::vector<std::string>& args) {
  const Result<Arguments> arguments = Arguments::parse(args, kFlags);
  if (arguments && arguments->is_set("help")) {
    fmt::print(
        "weft trace shows one trace as a waterfall, with the log lines of each span below it.\n\n"
        "  weft trace 4bf92f3577b34da6a3ce929d0e0e4736\n"
        "  weft trace 4bf92f3577b34da6a3ce929d0e0e4736 --logs='{{namespace=\"production\"}}'\n\n{}",
        flags_help(kFlags));
    return 0;
  }
  const Result<void> done = arguments ? run(*arguments) : Result<void>(arguments.error());
  if (done) return 0;
  fmt::print(stderr, "weft trace: {}\n", done.error().message());
  return done.error().code() == Code::invalid_argument ? 2 : 1;
}

}  // namespace weft::app

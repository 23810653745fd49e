#include <algorithm>
#include <cstdio>

#include <fmt/format.h>
#include <unistd.h>

#include "app/arguments.h"
#include "app/client_commands.h"
#include "app/line_printer.h"
#include "app/loki_client.h"
#include "base/clock.h"
#include "text/units.h"

namespace weft::app {

namespace {

constexpr Flag kQueryFlags[] = {
    {"url", "URL", "http://127.0.0.1:3100", "where the server's HTTP API is"},
    {"since", "DURATION", "1h", "how far back from --to"},
    {"from", "TIME", "", "RFC 3339, instead of --since"},
    {"to", "TIME", "", "RFC 3339 [now]"},
    {"limit", "N", "100", "at most so many lines; 0: all of them"},
    {"batch", "N", "1000", "lines asked for at a time"},
    {"forward", "", "", "oldest first"},
    {"instant", "", "", "one value a series, of the time --to, for metric queries"},
    {"step", "DURATION", "", "distance of a series' points [a 250th of the range]"},
    {"output", "FORM", "", "default, raw or jsonl [default on a terminal, raw in a pipe]", 'o'},
    {"tenant", "NAME", "", "X-Scope-OrgID, where the server wants one"},
    {"quiet", "", "", "results alone: no common labels, no count", 'q'},
    {"help", "", "", "this text", 'h'},
};

constexpr Flag kTailFlags[] = {
    {"url", "URL", "http://127.0.0.1:3100", "where the server's HTTP API is"},
    {"since", "DURATION", "5m", "begin with lines of so far back"},
    {"limit", "N", "10", "begin with so many of them"},
    {"output", "FORM", "", "default, raw or jsonl [default on a terminal, raw in a pipe]", 'o'},
    {"tenant", "NAME", "", "X-Scope-OrgID, where the server wants one"},
    {"help", "", "", "this text", 'h'},
};

// Both sides of standard output: what to write, and whether anybody looks.
struct Screen {
  Output output = Output::labelled;
  bool colour = false;

  void write(std::string_view text) const { std::fwrite(text.data(), 1, text.size(), stdout); }
};

Result<Screen> screen_from(const Arguments& arguments) {
  const bool terminal = isatty(STDOUT_FILENO) == 1;
  const std::string& form = arguments.text("output");
  if (form.empty()) return Screen{terminal ? Output::labelled : Output::raw, terminal};
  if (form == "default") return Screen{Output::labelled, terminal};
  if (form == "raw") return Screen{Output::raw, false};
  if (form == "jsonl") return Screen{Output::jsonl, false};
  return Error(Code::invalid_argument, "--output=" + form + ": must be default, raw or jsonl");
}

Result<std::string> only_query(const Arguments& arguments, std::string_view command) {
  if (arguments.positional().size() == 1) return arguments.positional()[0];
  return Error(
      Code::invalid_argument,
      fmt::format("one query is needed, in quotes: weft {} '{{app=\"checkout\"}} |= \"error\"'", command));
}

Result<std::int64_t> time_of(const Arguments& arguments, std::string_view flag, std::int64_t otherwise_ns) {
  if (!arguments.given(flag)) return otherwise_ns;
  const Result<std::int64_t> time = text::parse_rfc3339(arguments.text(flag));
  if (time) return time;
  return Error(Code::invalid_argument, fmt::format("--{}={}: must be a time such as 2026-02-09T10:15:30Z",
                                                   flag, arguments.text(flag)));
}

// Labels that all lines share are said once, so that what differs is easy to see.
OwnedLabels take_common_labels(std::vector<FoundLine>& lines) {
  if (lines.size() < 2) return {};
  OwnedLabels common = lines[0].labels;
  for (const FoundLine& line : lines) {
    std::erase_if(common, [&](const auto& label) { return !std::ranges::binary_search(line.labels, label); });
  }
  for (FoundLine& line : lines) {
    std::erase_if(line.labels, [&](const auto& label) { return std::ranges::binary_search(common, label); });
  }
  return common;
}

Result<void> run_query(const Arguments& arguments) {
  const Screen screen = TRY(screen_from(arguments));
  LokiClient::RangeQuery query {
    .query = TRY(only_query(arguments, "query"))
  };
  const std::size_t limit = static_cast<std::size_t>(TRY(arguments.integer("limit", 0, 1'000'000'000)));
  query.limit = static_cast<std::size_t>(TRY(arguments.integer("batch", 1, 100'000)));
  if (limit > 0) query.limit = std::min(query.limit, limit);
  query.range.end_ns = TRY(time_of(arguments, "to", SystemClock().now_ns()));
  query.range.start_ns =
      TRY(time_of(arguments, "from", query.range.end_ns - TRY(arguments.duration_ns("since"))));
  query.direction = arguments.is_set("forward") ? Direction::forward : Direction::backward;
  query.step = arguments.text("step");
  const bool quiet = arguments.is_set("quiet");

  LokiClient client(base_url(arguments.text("url")), arguments.text("tenant"));
  // Common labels need all lines before the first is printed: only where that is a screenful or a few.
  constexpr std::size_t kHeldMax = 5000;
  const bool hold = screen.output == Output::labelled && limit > 0 && limit <= kHeldMax;
  std::vector<FoundLine> held;
  std::size_t lines = 0;
  const QueryAnswer answer =
      arguments.is_set("instant") ? TRY(client.query_instant(query.query, query.range.end_ns))
                                 : TRY(client.for_each_line(query, [&](const FoundLine& line) {
    ++lines;
    if (hold) {
      held.push_back(line);
    } else {
      screen.write(render_line(line, screen.output, screen.colour));
    }
    return limit == 0 || lines < limit;
                                   }));
                                 for (const std::string& warning : answer.warnings)
                                   fmt::print(stderr, "warning: {}\n", warning);
                                 const OwnedLabels common = quiet ? OwnedLabels() : take_common_labels(held);
                                 if (!common.empty())
                                   fmt::print(stderr, "all lines have {}\n", label_text_of(common));
                                 for (const FoundLine& line : held)
                                   screen.write(render_line(line, screen.output, screen.colour));
                                 for (const FoundSeries& series : answer.series)
                                   screen.write(render_series(series, screen.output, screen.colour));
                                 std::fflush(stdout);
                                 if (quiet) return {};
                                 if (answer.kind == QueryAnswer::Kind::series) {
                                   fmt::print(stderr, "{} series\n", answer.series.size());
                                 } else {
                                   fmt::print(stderr, "{} lines{}\n", lines,
                                              limit > 0 && lines == limit
                                                  ? " (--limit reached; --limit=0 shows all)"
                                                  : "");
                                 }
                                 return {};
}

Result<void> run_tail(const Arguments& arguments) {
  const Screen screen = TRY(screen_from(arguments));
  const std::string text = TRY(only_query(arguments, "tail"));
  const std::size_t first = static_cast<std::size_t>(TRY(arguments.integer("limit", 0, 5000)));
  const std::int64_t now_ns = SystemClock().now_ns();
  const std::int64_t start_ns = first > 0 ? now_ns - TRY(arguments.duration_ns("since")) : now_ns;
  LokiClient client(base_url(arguments.text("url")), arguments.text("tenant"));
  return client.follow(text, start_ns, std::max<std::size_t>(first, 1), [&](const TailMessage& message) {
    for (const FoundLine& line : message.lines)
      screen.write(render_line(line, screen.output, screen.colour));
    if (message.dropped > 0)
      fmt::print(stderr, "more lines came than could be shown; {} or more were left out\n", message.dropped);
    return std::fflush(stdout) == 0;
  });
}

using Run = Result<void> (*)(const Arguments&);

int run_command(std::string_view name, const std::vector<std::string>& args, std::span<const Flag> flags,
                std::string_view help, Run run) {
  const Result<Arguments> arguments = Arguments::parse(args, flags);
  if (arguments && arguments->is_set("help")) {
    fmt::print("{}\n{}", help, flags_help(flags));
    return 0;
  }
  const Result<void> done = arguments ? run(*arguments) : Result<void>(arguments.error());
  if (done) return 0;
  fmt::print(stderr, "weft {}: {}\n", name, done.error().message());
  return arguments && done.error().code() != Code::invalid_argument ? 1 : 2;
}

}  // namespace

int query(const std::vector<std::string>& args) {
  return run_command(
      "query", args, kQueryFlags,
      "weft query asks a running server with LogQL.\n\n"
      "  weft query '{app=\"checkout\"} |= \"error\"'\n"
      "  weft query '{namespace=\"production\"} | json | level=\"ERROR\"' --since=6h --limit=0 -o jsonl\n"
      "  weft query 'sum by (app) (rate({namespace=\"production\"}[5m]))' --step=1m\n",
      run_query);
}

int tail(const std::vector<std::string>& args) {
  return run_command("tail", args, kTailFlags,
                     "weft tail shows lines as they come in, until Ctrl-C.\n\n"
                     "  weft tail '{app=\"payment-service\"}'\n"
                     "  weft tail '{namespace=\"production\"} | json | level=\"ERROR\"' --limit=0\n",
                     run_tail);
}

}  // namespace weft::app

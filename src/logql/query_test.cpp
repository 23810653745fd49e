#include "logql/query.h"

#include <gtest/gtest.h>

#include "logql/detected_fields.h"
#include "logql/memory_snapshot.h"
#include "model/time.h"

namespace weft::logql {
namespace {

constexpr std::int64_t kT0 = 1'795'168'800 * kNsPerSecond;

std::string labels_text(const OwnedLabels& labels) {
  std::string out = "{";
  for (std::size_t i = 0; i < labels.size(); ++i)
    out += (i > 0 ? "," : "") + labels[i].first + "=" + labels[i].second;
  return out + "}";
}

std::string number_text(double value) {
  char text[64];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

// An answer as text: one line a stream or series; times in seconds after kT0.
std::string show(const Answer& answer) {
  std::string out;
  auto seconds = [](std::int64_t ns) { return number_text(static_cast<double>(ns - kT0) / 1e9); };
  if (const auto* streams = std::get_if<Streams>(&answer.data)) {
    for (const auto& stream : streams->streams) {
      out += labels_text(stream.labels);
      for (const auto& entry : stream.entries) {
        out += " " + seconds(entry.time_ns) + ":" + entry.line;
        if (!entry.metadata.empty()) out += "+" + labels_text(entry.metadata);
        if (!entry.parsed.empty()) out += "*" + labels_text(entry.parsed);
      }
      out += "\n";
    }
  } else if (const auto* matrix = std::get_if<Matrix>(&answer.data)) {
    for (const auto& series : matrix->series) {
      out += labels_text(series.labels);
      for (const auto& point : series.points)
        out += " " + seconds(point.time_ns) + "=" + number_text(point.value);
      out += "\n";
    }
  } else if (const auto* vector = std::get_if<Vector>(&answer.data)) {
    for (const auto& sample : vector->samples)
      out += labels_text(sample.labels) + " " + number_text(sample.value) + "\n";
  } else {
    out = "scalar " + number_text(std::get<Scalar>(answer.data).value) + "\n";
  }
  return out;
}

class QueryTest : public testing::Test {
 protected:
  QueryTest() {
    params_.start_ns = kT0;
    params_.end_ns = kT0 + 1000 * kNsPerSecond;
    params_.order = storage::Order::forward;
  }

  void add(const char* app, std::int64_t seconds, std::string line,
           std::vector<std::pair<std::string, std::string>> metadata = {}) {
    data_.add({{"app", app}}, kT0 + seconds * kNsPerSecond, std::move(line), std::move(metadata));
  }

  std::string run(std::string_view text) {
    auto query = Query::parse(text);
    if (!query) return query.error().message();
    exec::Context context;
    auto answer = evaluate(*query, params_, data_, context);
    if (!answer) return answer.error().message();
    // The index may only spare work.
    Params plain = params_;
    plain.no_index = true;
    exec::Context other;
    auto again = evaluate(*query, plain, data_, other);
    EXPECT_TRUE(bool(again));
    if (again) EXPECT_EQ(show(*again), show(*answer)) << text;
    return show(*answer);
  }

  std::string instant(std::string_view text, std::int64_t seconds) {
    Params saved = params_;
    params_.end_ns = kT0 + seconds * kNsPerSecond;
    params_.step_ns = 0;
    std::string out = run(text);
    params_ = saved;
    return out;
  }

  std::string range(std::string_view text, std::int64_t from, std::int64_t to, std::int64_t step) {
    Params saved = params_;
    params_.start_ns = kT0 + from * kNsPerSecond;
    params_.end_ns = kT0 + to * kNsPerSecond;
    params_.step_ns = step * kNsPerSecond;
    std::string out = run(text);
    params_ = saved;
    return out;
  }

  MemorySnapshot data_;
  Params params_;
};

TEST_F(QueryTest, SelectsAndFilters) {
  add("a", 1, "one error");
  add("b", 2, "two");
  add("a", 3, "three Error");
  EXPECT_EQ(run("{app=\"a\"}"), "{app=a} 1:one error 3:three Error\n");
  EXPECT_EQ(run("{app=~\"a|b\"} |= \"t\""), "{app=a} 3:three Error\n{app=b} 2:two\n");
  EXPECT_EQ(run("{app=~\".+\"} |~ \"(?i)error\" != \"one\""), "{app=a} 3:three Error\n");
  EXPECT_EQ(run("{app=~\".+\"} |= \"two\" or \"one\""), "{app=a} 1:one error\n{app=b} 2:two\n");
  EXPECT_EQ(run("{app=~\".+\"} != \"two\" or \"one\""), "{app=a} 3:three Error\n");
  EXPECT_EQ(run("{app=~\".+\"} |> \"<_> error\""), "{app=a} 1:one error\n");
  params_.limit = 2;
  EXPECT_EQ(run("{app=~\".+\"}"), "{app=a} 1:one error\n{app=b} 2:two\n");
  params_.order = storage::Order::backward;
  EXPECT_EQ(run("{app=~\".+\"}"), "{app=a} 3:three Error\n{app=b} 2:two\n");
  params_.limit = 100;
  params_.interval_ns = 2 * kNsPerSecond;
  EXPECT_EQ(run("{app=~\".+\"}"), "{app=a} 3:three Error 1:one error\n");
}

TEST_F(QueryTest, LabelsOfThreeOriginsCollide) {
  data_.add({{"k", "s"}}, kT0, "k=p k_extracted=x", {{"k", "m"}});
  EXPECT_EQ(run("{k=\"s\"}"), "{k=s,k_extracted=m} 0:k=p k_extracted=x\n");
  EXPECT_EQ(run("{k=\"s\"} | logfmt"), "{k=s,k_extracted=p} 0:k=p k_extracted=x\n");
  params_.categorize_labels = true;
  EXPECT_EQ(run("{k=\"s\"}"), "{k=s} 0:k=p k_extracted=x+{k_extracted=m}\n");
  EXPECT_EQ(run("{k=\"s\"} | logfmt"), "{k=s} 0:k=p k_extracted=x*{k_extracted=p}\n");
}

TEST_F(QueryTest, ParsesJson) {
  add("a", 1, R"({"a":{"b c":1},"app":"x","n":null,"t":true,"l":[1],"s":"q\"é","1st":1.50,"a":2})");
  add("a", 2, R"({"x":1,"y":)");
  add("a", 3, "plain");
  EXPECT_EQ(
      run("{app=\"a\"} | json | t=\"true\""),
      "{_1st=1.50,a=2,a_b_c=1,app=a,app_extracted=x,s=q\"é,t=true} 1:" +
          std::string(R"({"a":{"b c":1},"app":"x","n":null,"t":true,"l":[1],"s":"q\"é","1st":1.50,"a":2})") +
          "\n");
  EXPECT_EQ(run("{app=\"a\"} | json | x=\"1\""),
            "{__error__=JSONParserErr,__error_details__=Malformed JSON error,app=a,x=1} 2:{\"x\":1,\"y\":\n");
  EXPECT_EQ(
      run("{app=\"a\"} | json f=\"a[\\\"b c\\\"]\", l=\"l[0]\", o=\"a\", none | f=\"1\" | drop __error__"),
      "{app=a,f=1,l=1,none=,o={\"b c\":1}} 1:" +
          std::string(R"({"a":{"b c":1},"app":"x","n":null,"t":true,"l":[1],"s":"q\"é","1st":1.50,"a":2})") +
          "\n");
}

TEST_F(QueryTest, ParsesLogfmt) {
  add("a", 1, R"(level=warn msg="a \"b\"" bare d= n=1 n=2 x=y"z ok=1)");
  EXPECT_EQ(run("{app=\"a\"} | logfmt"),
            "{app=a,level=warn,msg=a \"b\",n=1,ok=1} 1:" +
                std::string(R"(level=warn msg="a \"b\"" bare d= n=1 n=2 x=y"z ok=1)") + "\n");
  EXPECT_EQ(run("{app=\"a\"} | logfmt --strict --keep-empty | keep bare, d, x"),
            "{__error__=LogfmtParserErr,__error_details__=logfmt syntax error at pos 45 : unexpected "
            "'\"',bare=,d=} 1:" +
                std::string(R"(level=warn msg="a \"b\"" bare d= n=1 n=2 x=y"z ok=1)") + "\n");
  EXPECT_EQ(run("{app=\"a\"} | logfmt m=\"msg\", n, zz | drop app"),
            "{m=a \"b\",n=2,zz=} 1:" + std::string(R"(level=warn msg="a \"b\"" bare d= n=1 n=2 x=y"z ok=1)") +
                "\n");
}

TEST_F(QueryTest, FiltersByLabels) {
  add("a", 1, "d=1.5s n=10 s=2KiB ip=10.1.2.3");
  add("a", 2, "d=200ms n=abc s=10MB ip=11.0.0.1");
  std::string first = " 1:d=1.5s n=10 s=2KiB ip=10.1.2.3\n", second = " 2:d=200ms n=abc s=10MB ip=11.0.0.1\n";
  auto lines = [&](std::string_view filter) {
    std::string out = run("{app=\"a\"} | logfmt | " + std::string(filter) + " | keep app");
    std::string short_form;
    if (out.find(" 1:") != out.npos) short_form += "1";
    if (out.find(" 2:") != out.npos) short_form += "2";
    if (out.find("LabelFilterErr") != out.npos) short_form += "e";
    return short_form;
  };
  EXPECT_EQ(lines("d > 1s"), "1");
  EXPECT_EQ(lines("d <= 1s"), "2");
  EXPECT_EQ(lines("n = 10"), "12e");
  EXPECT_EQ(lines("n == 11"), "2e");
  EXPECT_EQ(lines("s < 1MB"), "1");
  EXPECT_EQ(lines("ip = ip(\"10.0.0.0/8\")"), "1");
  EXPECT_EQ(lines("ip != ip(\"10.0.0.0/8\")"), "2");
  EXPECT_EQ(lines("n =~ \"b.*\""), "2");  // Loki's quirk: contains
  EXPECT_EQ(lines("n =~ \"b.+\""), "");
  EXPECT_EQ(lines("n !~ \".*b\""), "1");
  EXPECT_EQ(lines("nosuch > 1"), "");
  EXPECT_EQ(lines("nosuch = \"\""), "12");
  EXPECT_EQ(lines("d > 1s or d < 1s"), "12");
  EXPECT_EQ(lines("d > 1s, s > 1KB"), "1");
  EXPECT_EQ(lines("d > 1s s > 1KB or s > 5KB"), "1");
  EXPECT_EQ(lines("(d > 1s and s > 5KB) or n = 10"), "12e");
}

TEST_F(QueryTest, FormatsLinesAndLabels) {
  add("a", 1, "x=1 y=two");
  EXPECT_EQ(run("{app=\"a\"} | logfmt | line_format \"{{.x}}-{{.y | ToUpper}}-{{.no}}\""),
            "{app=a,x=1,y=two} 1:1-TWO-\n");
  EXPECT_EQ(run("{app=\"a\"} | logfmt | label_format z=y, w=\"{{.x}}{{.z}}\", app=\"b\""),
            "{app=b,w=1two,x=1,z=two} 1:x=1 y=two\n");
  EXPECT_EQ(run("{app=\"a\"} | logfmt | label_format d=\"{{.y}}\", e=\"{{.d}}\" | keep d, e"),
            "{d=two,e=} 1:x=1 y=two\n");
  EXPECT_EQ(run("{app=\"a\"} | line_format \"{{ div 1 0 }}\""),
            "{__error__=TemplateFormatErr,__error_details__=template: line:1: executing \"line\": error "
            "calling div: "
            "runtime error: integer divide by zero,app=a} 1:x=1 y=two\n");
  EXPECT_EQ(run("{app=\"a\"} | line_format \"{{ .broken\""),
            "parse error : stage '| line_format \"{{ .broken\"' : invalid line template: template: line:1: "
            "unclosed action");
  EXPECT_EQ(run("{app=\"a\"} | label_format __error__=\"x\"").substr(0, 20), "parse error : stage ");
  EXPECT_EQ(instant("bytes_over_time({app=\"a\"} | line_format \"{{ __line__ }}!\" [1m])", 10),
            "{app=a} 10\n");
  EXPECT_EQ(
      instant("sum by (z) (count_over_time({app=\"a\"} | logfmt | label_format z=\"{{.x}}{{.y}}\" [1m]))",
              10),
      "{z=1two} 1\n");
  add("b", 2, R"({"_entry":"inner","k":"v","app":"c"})");
  EXPECT_EQ(run("{app=\"b\"} | unpack | line_format \"<{{__line__}}>\""),
            "{app=b,app_extracted=c,k=v} 2:<inner>\n");
  add("c", 3, "\x1b[31mred\x1b[0m");
  EXPECT_EQ(run("{app=\"c\"} | decolorize"), "{app=c} 3:red\n");
}

// What Grafana sends to find the logs of a trace.
TEST_F(QueryTest, FindsTracesAsGrafanaAsks) {
  std::string id = "6ed91f2e3af9f30c5a6614773da9d8c0";
  add("a", 1, "x " + id);
  add("a", 2, "other");
  add("a", 3, "meta", {{"trace_id", id}});
  std::string query = "{app=\"a\"} | label_format log_line_contains_trace_id=`{{ contains \"" + id +
                      "\" __line__  }}` | log_line_contains_trace_id=\"true\" OR trace_id=\"" + id +
                      "\" | drop trace_id";
  EXPECT_EQ(run(query),
            "{app=a,log_line_contains_trace_id=false} 3:meta\n{app=a,log_line_contains_trace_id=true} 1:x " +
                id + "\n");
}

TEST_F(QueryTest, DetectsFields) {
  add("a", 1, R"({"n":1,"h":{"x y":"2s"},"app":"q","l":[1]})", {{"trace_id", "t"}});
  add("a", 2, R"({"n":1.5,"b":true})", {{"trace_id", "u"}});
  add("a", 3, "size=4KiB msg=\"a b\" trace_id=v");
  exec::Context context;
  auto found =
      detect_fields(*Query::parse("{app=\"a\"}"), params_, {.values_of = "trace_id"}, data_, context);
  ASSERT_TRUE(bool(found));
  std::string text;
  for (const auto& field : *found) {
    text += field.label + ":" + field.type + ":" + std::to_string(field.cardinality);
    for (const auto& parser : field.parsers) text += ":" + parser;
    for (const auto& key : field.json_path) text += "/" + key;
    for (const auto& value : field.values) text += "=" + value;
    text += "\n";
  }
  EXPECT_EQ(text,
            "app_extracted:string:1:json/app\nb:boolean:1:json/b\nh_x_y:duration:1:json/h/x "
            "y\nmsg:string:1:logfmt\n"
            "n:float:2:json/n\nsize:bytes:1:logfmt\ntrace_id:string:3:logfmt=t=u=v\n");
}

TEST_F(QueryTest, AggregatesOverRanges) {
  for (int i = 0; i < 6; ++i)
    add(i % 2 ? "b" : "a", i * 10, "v=" + std::to_string(i) + " g=" + (i < 3 ? "x" : "y"));
  EXPECT_EQ(range("count_over_time({app=~\".+\"}[20s])", 0, 60, 20),
            "{app=a} 0=1 20=1 40=1\n{app=b} 20=1 40=1 60=1\n");
  EXPECT_EQ(range("sum(count_over_time({app=~\".+\"}[20s]))", 0, 80, 20), "{} 0=1 20=2 40=2 60=1\n");
  EXPECT_EQ(range("sum by (g) (count_over_time({app=~\".+\"} | logfmt [1m]))", 50, 50, 10),
            "{g=x} 50=3\n{g=y} 50=3\n");
  EXPECT_EQ(range("sum by (g) (sum_over_time({app=~\".+\"} | logfmt | unwrap v [1m]))", 50, 50, 10),
            "{g=x} 50=3\n{g=y} 50=12\n");
  EXPECT_EQ(range("avg_over_time({app=~\".+\"} | logfmt | unwrap v [30s]) by (app)", 50, 50, 10),
            "{app=a} 50=4\n{app=b} 50=4\n");
  EXPECT_EQ(range("quantile_over_time(0.5, {app=~\".+\"} | logfmt | unwrap v [1m]) by ()", 50, 50, 10),
            "{} 50=2.5\n");
  EXPECT_EQ(range("rate({app=\"a\"}[10s])", 0, 10, 5), "{app=a} 0=0.1 5=0.1\n");
  EXPECT_EQ(range("first_over_time({app=~\".+\"} | logfmt | unwrap v [1m]) by ()", 50, 50, 1), "{} 50=0\n");
  EXPECT_EQ(range("last_over_time({app=~\".+\"} | logfmt | unwrap v [1m]) by ()", 50, 50, 1), "{} 50=5\n");
  EXPECT_EQ(range("absent_over_time({app=\"a\"}[5s])", 0, 12, 4), "{app=a} 8=1 12=1\n");
  EXPECT_EQ(range("bytes_over_time({app=\"a\"}[1m] offset 1m)", 100, 100, 10), "{app=a} 100=21\n");
  EXPECT_EQ(instant("max(count_over_time({app=~\".+\"} | logfmt [1m]))", 50), "{} 1\n");
  EXPECT_EQ(instant("topk(1, sum by (app) (sum_over_time({app=~\".+\"} | logfmt | unwrap v [2m])))", 60),
            "{app=b} 9\n");
}

// Windows computed by the definition, for ranges and steps that do not fit together.
TEST_F(QueryTest, WindowsAgreeWithTheirDefinition) {
  std::vector<std::int64_t> times = {0, 3, 7, 7, 12, 13, 20, 31, 32, 33, 50};
  for (std::int64_t t : times) add("a", t, "v=" + std::to_string(t % 5));
  for (std::int64_t window : {1, 4, 7, 10, 25, 100})
    for (std::int64_t step : {1, 3, 10, 11}) {
      std::string counts = "{app=a}", maxima = "{}";
      for (std::int64_t t = 2; t <= 60; t += step) {
        std::int64_t count = 0, best = -1;
        for (std::int64_t s : times)
          if (t - window < s && s <= t) ++count, best = std::max(best, s % 5);
        if (count == 0) continue;
        counts += " " + std::to_string(t) + "=" + std::to_string(count);
        maxima += " " + std::to_string(t) + "=" + std::to_string(best);
      }
      std::string selector = "({app=\"a\"} [" + std::to_string(window) + "s])";
      EXPECT_EQ(range("count_over_time" + selector, 2, 60, step), counts + "\n");
      std::string unwrapped = "({app=\"a\"} | logfmt | unwrap v [" + std::to_string(window) + "s]) by ()";
      EXPECT_EQ(range("max_over_time" + unwrapped, 2, 60, step), maxima + "\n");
    }
}

TEST_F(QueryTest, CombinesVectors) {
  add("a", 10, "x");
  add("a", 11, "x");
  add("b", 10, "x");
  auto count = std::string("count_over_time({app=~\".+\"}[1m])");
  EXPECT_EQ(instant("2 * 3 + 4 ^ 2 / 2 - 5 % 3", 60), "scalar 12\n");
  EXPECT_EQ(instant("1 > 2", 60), "scalar 0\n");
  EXPECT_EQ(instant(count + " > 1", 60), "{app=a} 2\n");
  EXPECT_EQ(instant(count + " > bool 1", 60), "{app=a} 1\n{app=b} 0\n");
  EXPECT_EQ(instant("3 - " + count, 60), "{app=a} 1\n{app=b} 2\n");
  EXPECT_EQ(instant(count + " / on () group_left sum(" + count + ")", 60),
            "{app=a} 0.666667\n{app=b} 0.333333\n");
  EXPECT_EQ(instant(count + " unless count_over_time({app=\"a\"}[1m])", 60), "{app=b} 1\n");
  EXPECT_EQ(instant("sum(count_over_time({app=\"no\"}[1m])) or vector(0)", 60), "{} 0\n");
  EXPECT_EQ(instant(count + " * on () " + count, 60),
            "found duplicate series on the right hand-side;many-to-many matching not allowed: matching "
            "labels must be "
            "unique on one side");
  EXPECT_EQ(instant(count + " * on () sum(" + count + ")", 60),
            "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)");
  EXPECT_EQ(instant("sort_desc(" + count + ")", 60), "{app=a} 2\n{app=b} 1\n");
  EXPECT_EQ(instant("label_replace(" + count + ", \"x\", \"$1-\", \"app\", \"(a)\")", 60),
            "{app=a,x=a-} 2\n{app=b} 1\n");
  EXPECT_EQ(instant("vector(1)+vector(1)", 60), "{} 2\n");
}

TEST_F(QueryTest, ErrorsOfRowsFailMetricQueries) {
  add("a", 1, "no json");
  EXPECT_EQ(instant("count_over_time({app=\"a\"} | json [1m])", 10).substr(0, 104),
            "pipeline error: 'JSONParserErr' for series: '{__error__=\"JSONParserErr\", "
            "__error_details__=\"Value looks ");
  EXPECT_EQ(instant("sum by (__error__) (count_over_time({app=\"a\"} | json [1m]))", 10),
            "{__error__=JSONParserErr} 1\n");
  EXPECT_EQ(instant("count_over_time({app=\"a\"} | json | __error__=\"\" [1m])", 10), "");
  EXPECT_EQ(instant("count_over_time({app=\"a\"} | json | drop __error__, __error_details__ [1m])", 10),
            "{app=a} 1\n");
  params_.series_max = 1;
  add("b", 1, "x");
  EXPECT_EQ(instant("count_over_time({app=~\".+\"}[1m])", 10).substr(0, 63),
            "maximum number of series (1) reached for a single query; consid");
}

TEST_F(QueryTest, FindsIdsThroughTheIndex) {
  std::string id = "6ed91f2e3af9f30c5a6614773da9d8c0";
  add("a", 1, "trace=" + id + " x");
  add("a", 2, "other");
  add("a", 3, "meta", {{"trace_id", id}});
  add("a", 4, "{\"traceId\":\"" + id + "\"}");
  // run() compares each answer with that of a full scan.
  EXPECT_EQ(run("{app=\"a\"} |= \"" + id + "\""),
            "{app=a} 1:trace=" + id + " x 4:{\"traceId\":\"" + id + "\"}\n");
  EXPECT_EQ(run("{app=\"a\"} | trace_id=\"" + id + "\" | keep app"), "{app=a} 3:meta\n");
  EXPECT_EQ(run("{app=\"a\"} | logfmt | json | drop __error__, __error_details__ | traceId=\"" + id +
                "\" | keep app"),
            "{app=a} 4:{\"traceId\":\"" + id + "\"}\n");
  EXPECT_EQ(run("{app=\"a\"} | logfmt | trace=\"" + id + "\" or trace_id=\"" + id + "\" | keep app"),
            "{app=a} 1:trace=" + id + " x 3:meta\n");
}

}  // namespace
}  // namespace weft::logql

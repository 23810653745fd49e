#include <cmath>
#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "traceql/query.h"
#include "traceql/testing/memory_snapshot.h"
#include "traceql/testing/shop.h"
#include "traceql/testing/trace_builder.h"

namespace weft::traceql {
namespace {

constexpr std::int64_t kMinute = 60 * kNsPerSecond;

std::string text_of(const TypedValue& v) {
  switch (v.type) {
    case TypedValue::Type::nil: return "-";
    case TypedValue::Type::string: return v.text;
    case TypedValue::Type::integer: return "i" + std::to_string(v.integer);
    case TypedValue::Type::boolean: return v.boolean ? "true" : "false";
    case TypedValue::Type::number: {
      char buffer[32];
      std::snprintf(buffer, sizeof buffer, "%.9g", v.number);
      return buffer;
    }
  }
  return "";
}

// "{a=b} 1 2; {…} 3": the points of every series, or the error.
std::string answer_of(const Result<MetricsAnswer>& answer) {
  if (!answer) return answer.error().message();
  std::string out;
  for (const MetricsSeries& series : answer->series) {
    out += out.empty() ? "{" : "; {";
    for (std::size_t i = 0; i < series.labels.size(); ++i)
      out += (i == 0 ? "" : ",") + series.labels[i].first + "=" + text_of(series.labels[i].second);
    out += "}";
    for (const MetricsPoint& point : series.points) {
      char buffer[32];
      std::snprintf(buffer, sizeof buffer, " %.9g", point.value);
      out += buffer;
    }
  }
  return out;
}

struct Case {
  const char* query;
  const char* series;
};

TEST(Metrics, MeasuresTheShop) {
  MemorySnapshot data;
  add_shop(data);
  MetricsParams params;
  params.start_ns = static_cast<std::int64_t>(kShopStart) - kMinute;
  params.end_ns = params.start_ns + 2 * kMinute;
  const Case cases[] = {
      {"{} | count_over_time()", "{__name__=count_over_time} 5"},
      {"{ false } | count_over_time()", ""},
      {"{} | count_over_time() by(resource.service.name)",
       "{resource.service.name=cart} 2; {resource.service.name=front} 3"},
      {"{} | sum_over_time(duration)", "{__name__=sum_over_time} 0.25"},
      {"{} | avg_over_time(duration)", "{__name__=avg_over_time} 0.05"},
      {"{} | max_over_time(duration) by(kind)",
       "{kind=client} 0.06; {kind=internal} 0.01; {kind=server} 0.1"},
      {"{} | min_over_time(span.http.status_code)", "{__name__=min_over_time} 200"},
      {"{} | max_over_time(span.ratio)", "{__name__=max_over_time} 0.5"},
      {"{} | max_over_time(span.db.system)", ""},
      {"{} | max_over_time(span.none)", ""},
      {"{} | histogram_over_time(duration)",
       "{__bucket=0.016777216} 1; {__bucket=0.033554432} 1; {__bucket=0.067108864} 2; {__bucket=0.134217728} "
       "1"},
      {"{} | quantile_over_time(duration, 0.5, 1)", "{p=0.5} 0.0474531328; {p=1} 0.134217728"},
      {"{} | count_over_time() by(span.http.status_code)",
       "{span.http.status_code=nil} 3; {span.http.status_code=i200} 1; {span.http.status_code=i500} 1"},
      {"{} | count_over_time() by(span.http.status_code, kind)",
       "{kind=client} 2; {kind=internal} 1; {span.http.status_code=i200,kind=server} 1; "
       "{span.http.status_code=i500,kind=server} 1"},
      {"{} | count_over_time() by(duration) | topk(1)", "{duration=100ms} 1"},
      {"{} | count_over_time() by(resource.service.name) > 2", "{resource.service.name=front} 3"},
      {"{} | max_over_time(duration) by(kind) >= 60ms", "{kind=client} 0.06; {kind=server} 0.1"},
      {"{} | count_over_time() by(name) | topk(2)", "{name=AddItem} 1; {name=GET /} 1"},
      {"{} | count_over_time() by(name) | bottomk(2)", "{name=call cart} 1; {name=render} 1"},
      {"{ kind = server } > { kind = client } | count_over_time()", "{__name__=count_over_time} 2"},
      {"{} | by(kind) | count() > 1 | count_over_time()", "{__name__=count_over_time} 4"},
      {"({} | count_over_time()) * 2", "{__name__=count_over_time} 10"},
      {"1 + 2 * ({} | count_over_time())", "{__name__=count_over_time} 11"},
      {"({} | count_over_time()) / 0", ""},
      {"({ status = error } | count_over_time()) / ({} | count_over_time())",
       "{__name__=({ status = error } | count_over_time()) / ({ } | count_over_time())} 0.2"},
      {"({} | count_over_time() by(kind)) - ({ status = error } | count_over_time() by(kind))",
       "{kind=server} 1"},
      {"({} | count_over_time() by(kind)) / ({} | count_over_time()) | topk(1)", "{kind=client} 0.4"},
      {"({} | count_over_time()) / ({} | count_over_time() by(kind))",
       "{kind=client} 2.5; {kind=internal} 5; {kind=server} 2.5"},
      {"{}", "not a metrics query"},
  };
  for (const Case& c : cases) {
    Result<Query> query = Query::parse(c.query);
    ASSERT_TRUE(query) << c.query << query.error().message();
    exec::Context context;
    EXPECT_EQ(answer_of(evaluate_metrics(*query, params, data, context)), c.series) << c.query;
  }
}

TEST(Metrics, PutsASpanIntoTheIntervalThatEndsBehindIt) {
  MemorySnapshot data;
  TraceBuilder b;
  auto at = [](std::int64_t seconds) { return static_cast<std::uint64_t>(seconds * kNsPerSecond); };
  b.span(1, 1, 0, "on the edge", at(120), 1);
  b.span(2, 2, 0, "behind the edge", at(120) + 1, 1);
  b.span(3, 3, 0, "before", at(59), 1);
  b.span(4, 4, 0, "last", at(240), 1);
  b.span(5, 5, 0, "after", at(240) + 1, 1);
  data.add(b.batch());
  data.sort();
  exec::Context context;
  MetricsParams params;
  params.start_ns = 130 * kNsPerSecond;  // floored to 120 and one step back: (60, 240]
  params.end_ns = 190 * kNsPerSecond;    // raised to 240
  params.step_ns = kMinute;
  Result<MetricsAnswer> answer =
      evaluate_metrics(*Query::parse("{} | count_over_time()"), params, data, context);
  ASSERT_TRUE(answer);
  ASSERT_EQ(answer->series.size(), 1U);
  ASSERT_EQ(answer->series[0].points.size(), 3U);
  EXPECT_EQ(answer->series[0].points[0].time_ns, 120 * kNsPerSecond);
  EXPECT_EQ(answer->series[0].points[2].time_ns, 240 * kNsPerSecond);
  EXPECT_EQ(answer_of(answer), "{__name__=count_over_time} 1 1 1");
  EXPECT_EQ(answer_of(evaluate_metrics(*Query::parse("{} | rate()"), params, data, context)),
            "{__name__=rate} 0.0166666667 0.0166666667 0.0166666667");
  // Intervals without a value are left out of what is no count.
  answer =
      evaluate_metrics(*Query::parse("{ name = \"last\" } | sum_over_time(duration)"), params, data, context);
  EXPECT_EQ(answer_of(answer), "{__name__=sum_over_time} 1e-09");
  EXPECT_EQ(answer->series[0].points[0].time_ns, 240 * kNsPerSecond);
}

TEST(Metrics, RefusesBadRanges) {
  MemorySnapshot data;
  exec::Context context;
  Query query = *Query::parse("{} | rate()");
  MetricsParams params;
  params.start_ns = 100;
  params.end_ns = 100;
  EXPECT_EQ(answer_of(evaluate_metrics(query, params, data, context)), "end must be greater than start");
  params.end_ns = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(answer_of(evaluate_metrics(query, params, data, context)), "end must be greater than start");
  params.end_ns = 100 + 86'400 * kNsPerSecond;
  params.step_ns = kNsPerSecond;
  EXPECT_EQ(answer_of(evaluate_metrics(query, params, data, context)),
            "step of 1s is too small, minimum step for given range is 8.64s");
}

TEST(Metrics, ShowsExemplars) {
  MemorySnapshot data;
  TraceBuilder b;
  for (std::uint8_t t = 1; t <= 5; ++t) {
    b.span(t, t, 0, "root", kShopStart + t, 1000, {{"n", Value::of(std::int64_t{t})}});
    b.span(t, t + 100U, t, "child", kShopStart + t, 10, {{"n", Value::of(std::int64_t{t})}});
  }
  data.add(b.batch());
  data.sort();
  MetricsParams params;
  params.start_ns = static_cast<std::int64_t>(kShopStart);
  params.end_ns = params.start_ns + kMinute;
  params.step_ns = kMinute;
  exec::Context context;
  MetricsAnswer answer =
      *evaluate_metrics(*Query::parse("{ span.n > 0 } | count_over_time() by(name)"), params, data, context);
  std::vector<Exemplar> all;
  for (const MetricsSeries& series : answer.series)
    all.insert(all.end(), series.exemplars.begin(), series.exemplars.end());
  ASSERT_EQ(all.size(), 2U);   // at most two in an interval, one of a trace
  EXPECT_EQ(all[0].value, 5);  // of the series at that time
  EXPECT_EQ(all[0].time_ns, static_cast<std::int64_t>(kShopStart) + 5);
  ASSERT_EQ(all[0].labels.size(), 3U);
  EXPECT_EQ(all[0].labels[0].first, "span.n");
  EXPECT_EQ(all[0].labels[1].first, "name");
  EXPECT_EQ(all[0].labels[2].first, "trace:id");
  EXPECT_EQ(all[0].labels[2].second.text, to_hex(TraceBuilder::trace_id(5)));

  answer = *evaluate_metrics(*Query::parse("{ span.n > 0 } | max_over_time(span.n) with(exemplars=1)"),
                             params, data, context);
  ASSERT_EQ(answer.series[0].exemplars.size(), 1U);
  EXPECT_EQ(answer.series[0].exemplars[0].value, 5);
  answer = *evaluate_metrics(*Query::parse("{} | rate() with(exemplars=false)"), params, data, context);
  EXPECT_TRUE(answer.series[0].exemplars.empty());
}

TEST(Metrics, TellsWhenSeriesAreCut) {
  MemorySnapshot data;
  add_shop(data);
  MetricsParams params;
  params.start_ns = static_cast<std::int64_t>(kShopStart) - kMinute;
  params.end_ns = params.start_ns + 2 * kMinute;
  params.series_max = 2;
  exec::Context context;
  MetricsAnswer answer = *evaluate_metrics(*Query::parse("{} | rate() by(name)"), params, data, context);
  EXPECT_EQ(answer.series.size(), 2U);
  EXPECT_EQ(
      answer.message,
      "Response exceeds maximum series limit of 2, a partial response is returned. Warning: the accuracy of "
      "each individual value is not guaranteed.");
  exec::Context small({.memory_bytes_max = 100});
  Result<MetricsAnswer> refused = evaluate_metrics(*Query::parse("{} | rate()"), params, data, small);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::resource_exhausted);
}

TEST(Metrics, ComparesErrorsWithTheRest) {
  MemorySnapshot data;
  add_shop(data);
  MetricsParams params;
  params.start_ns = static_cast<std::int64_t>(kShopStart) - kMinute;
  params.end_ns = params.start_ns + 2 * kMinute;
  exec::Context context;
  std::string all = "; " +
                    answer_of(evaluate_metrics(*Query::parse("{} | compare({ status = error }, 2)"), params,
                                               data, context)) +
                    ";";
  for (const char* expected : {
           "; {__meta_type=selection,name=AddItem} 1;",
           "; {__meta_type=selection,resource.service.name=cart} 1;",
           "; {__meta_type=baseline,resource.service.name=front} 3;",
           "; {__meta_type=baseline,resource.service.name=cart} 1;",
           "; {__meta_type=baseline_total,resource.service.name=nil} 4;",
           "; {__meta_type=selection_total,resource.service.name=nil} 1;",
           "; {__meta_type=selection,span.http.status_code=i500} 1;",
           "; {__meta_type=baseline,status=unset} 3;",
           "; {__meta_type=baseline,rootName=GET /} 4;",
           "; {__meta_type=selection,kind=server} 1;",
       })
    EXPECT_NE(all.find(expected), std::string::npos) << expected << "\n" << all;
  // Two of four names at most.
  std::size_t names = 0;
  for (std::size_t at = all.find("{__meta_type=baseline,name="); at != std::string::npos;
       at = all.find("{__meta_type=baseline,name=", at + 1))
    ++names;
  EXPECT_EQ(names, 2U);
}

}  // namespace
}  // namespace weft::traceql

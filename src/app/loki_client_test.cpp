#include "app/loki_client.h"

#include <gtest/gtest.h>

#include "app/line_printer.h"

namespace weft::app {
namespace {

TEST(QueryAnswer, LinesOfAllStreamsAreInTheAskedOrder) {
  const std::string_view json =
      R"({"status":"success","data":{"resultType":"streams","result":[
      {"stream":{"pod":"a-1","app":"api"},"values":[["30","c"],["10","a"]]},
      {"stream":{"app":"web"},"values":[["20","b \"quoted\""]]}],"stats":{}},"warnings":["careful"]})";
  const Result<QueryAnswer> backward = parse_query_answer(json, Direction::backward);
  ASSERT_TRUE(backward) << backward.error().message();
  ASSERT_EQ(backward->lines.size(), 3U);
  EXPECT_EQ(backward->lines[0].line, "c");
  EXPECT_EQ(backward->lines[0].labels, (OwnedLabels{{"app", "api"}, {"pod", "a-1"}}));
  EXPECT_EQ(backward->lines[1].line, "b \"quoted\"");
  EXPECT_EQ(backward->lines[2].time_ns, 10);
  EXPECT_EQ(backward->warnings, (std::vector<std::string>{"careful"}));
  EXPECT_EQ(parse_query_answer(json, Direction::forward)->lines[0].line, "a");
}

TEST(QueryAnswer, MatrixVectorAndScalar) {
  const Result<QueryAnswer> matrix = parse_query_answer(
      R"({"data":{"resultType":"matrix","result":[{"metric":{"level":"error"},"values":[[1722500000,"3"],[1722500060,"4.5"]]}]}})",
      Direction::forward);
  ASSERT_TRUE(matrix) << matrix.error().message();
  EXPECT_EQ(matrix->kind, QueryAnswer::Kind::series);
  EXPECT_EQ(render_series(matrix->series[0], Output::labelled, false),
            "{level=\"error\"}\n  2024-08-01T08:13:20Z  3\n  2024-08-01T08:14:20Z  4.5\n");
  EXPECT_EQ(render_series(matrix->series[0], Output::raw, false),
            "2024-08-01T08:13:20Z\t3\t{level=\"error\"}\n2024-08-01T08:14:20Z\t4.5\t{level=\"error\"}\n");
  EXPECT_EQ(render_series(matrix->series[0], Output::jsonl, false),
            "{\"metric\":{\"level\":\"error\"},\"values\":[[1722500000,\"3\"],[1722500060,\"4.5\"]]}\n");
  const Result<QueryAnswer> vector = parse_query_answer(
      R"({"data":{"resultType":"vector","result":[{"metric":{},"value":[1722500000.5,"7"]}]}})",
      Direction::forward);
  ASSERT_TRUE(vector) << vector.error().message();
  EXPECT_EQ(vector->series[0].points[0].second, "7");
  const Result<QueryAnswer> scalar =
      parse_query_answer(R"({"data":{"resultType":"scalar","result":[1722500000,"2"]}})", Direction::forward);
  ASSERT_TRUE(scalar) << scalar.error().message();
  EXPECT_EQ(scalar->series[0].points[0].second, "2");
}

TEST(QueryAnswer, OtherBytesAreErrors) {
  for (const std::string_view json :
       {"", "{", "[]", "{}", "not json", R"({"data":{}})", R"({"data":{"resultType":"streams"}})",
        R"({"data":{"resultType":"streams","result":[{"stream":{},"values":[["x","y"]]}]}})",
        R"({"data":{"resultType":"streams","result":[{"stream":{"a":1},"values":[]}]}})",
        R"({"data":{"resultType":"matrix","result":[{"values":[]}]}})"}) {
    EXPECT_FALSE(parse_query_answer(json, Direction::forward)) << json;
  }
}

TEST(TailMessage, LinesByTimeAndWhatWasDropped) {
  const Result<TailMessage> message = parse_tail_message(
      R"({"streams":[{"stream":{"app":"x"},"values":[["30","c"],["40","d"]]},{"stream":{"app":"y"},"values":[["20","b"]]}],
      "dropped_entries":[{"labels":{"app":"x"},"timestamp":"10"}]})");
  ASSERT_TRUE(message) << message.error().message();
  ASSERT_EQ(message->lines.size(), 3U);
  EXPECT_EQ(message->lines[0].line, "b");
  EXPECT_EQ(message->lines[0].labels, (OwnedLabels{{"app", "y"}}));
  EXPECT_EQ(message->dropped, 1U);
  const Result<TailMessage> none = parse_tail_message(R"({"streams":[],"dropped_entries":null})");
  ASSERT_TRUE(none);
  EXPECT_EQ(none->dropped, 0U);
  EXPECT_FALSE(parse_tail_message(R"({"streams":{}})"));
  EXPECT_FALSE(parse_tail_message("["));
}

TEST(LinePrinter, Forms) {
  const FoundLine line{1'770'632'130'000'000'000, {{"app", "api"}, {"level", "error"}}, "it \"broke\""};
  EXPECT_EQ(render_line(line, Output::raw, true), "it \"broke\"\n");
  EXPECT_EQ(render_line(line, Output::labelled, false),
            "2026-02-09T10:15:30Z {app=\"api\", level=\"error\"} it \"broke\"\n");
  EXPECT_EQ(render_line(line, Output::jsonl, false),
            "{\"timestamp\":\"2026-02-09T10:15:30Z\",\"labels\":{\"app\":\"api\",\"level\":\"error\"},"
            "\"line\":\"it \\\"broke\\\"\"}\n");
  EXPECT_TRUE(render_line(line, Output::labelled, true).starts_with("\033[31m2026"));
}

TEST(LinePrinter, LevelComesFromLabelsFirst) {
  EXPECT_EQ(level_of({0, {{"level", "WARN"}}, "an error"}), "warn");
  EXPECT_EQ(level_of({0, {}, R"({"level":"ERROR"})"}), "error");
  EXPECT_EQ(level_of({0, {}, "nothing"}), "");
}

TEST(LinePrinter, MessageComesFirstAndIdsAreLeftOut) {
  EXPECT_EQ(
      message_of(
          R"({"time":"x","level":"INFO","msg":"order placed","trace_id":"ab","total":12.5,"tags":["a"],"who":"me"})"),
      "order placed total=12.5 tags=[\"a\"] who=me");
  EXPECT_EQ(message_of(R"(ts=1 level=info msg="cart \"read\"" trace_id=ab span_id=cd items=3 note="")"),
            "cart \"read\" items=3 note=");
  EXPECT_EQ(message_of("a=1 b=2"), "a=1 b=2");
  for (const std::string_view line :
       {"", "plain text with a=b", "{not json}", "a=\"1\"x", "2026 INFO [x] : done"}) {
    EXPECT_EQ(message_of(line), line);
  }
}

}  // namespace
}  // namespace weft::app

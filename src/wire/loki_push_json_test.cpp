#include <gtest/gtest.h>

#include "text/json_writer.h"
#include "wire/loki_push.h"
#include "wire/samples/samples.h"

namespace weft::wire {
namespace {

using samples::describe;

std::string decode(std::string_view body) {
  LogBatch batch;
  auto decoded = decode_loki_push_json(body, batch);
  if (!decoded) {
    EXPECT_EQ(decoded.error().code(), Code::invalid_argument) << body;
    return "error: " + decoded.error().message();
  }
  return describe(batch);
}

// A request of one stream with these labels, or with these values.
std::string with_labels(std::string_view json) {
  return R"({"streams":[{"stream":)" + std::string(json) + R"(,"values":[]}]})";
}
std::string with_values(std::string_view json) {
  return R"({"streams":[{"stream":{"a":"b"},"values":)" + std::string(json) + "}]}";
}

struct Case {
  std::string body;
  std::string expected;
};

TEST(LokiPushJson, Accepted) {
  const Case cases[] = {
      {R"({"streams":[{"stream":{"app":"x","env":"prod"},"values":[["1722500000000000000","line one"],)"
       R"(["1722500000000000001","line two",{"trace_id":"4bf9","user":"42"}]]}]})",
       "{app=\"x\", env=\"prod\"}\n  1722500000000000000 line one {}\n"
       "  1722500000000000001 line two {trace_id=\"4bf9\", user=\"42\"}\n"},
      {R"( { "streams" : [ { "values" : [ [ "1" , "x" ] ] , "stream" : { "a" : "b" } } ] } )",
       "{a=\"b\"}\n  1 x {}\n"},
      {R"({})", ""},
      {R"({"streams":[]})", ""},
      {R"({"streams":null})", ""},
      {R"({"streams":[null]})", "{}\n"},
      {R"({"other":{"deep":[[{"x":1}]]},"streams":[{"stream":{"a":"b"},"more":[1,{"y":[]}],"values":[]}],"z":1})",
       "{a=\"b\"}\n"},
      {R"({"streams":[{"stream":{"a":"1"},"values":[["1","x"]]},{"stream":{"a":"2"},"values":[["2","y"]]}]})",
       "{a=\"1\"}\n  1 x {}\n{a=\"2\"}\n  2 y {}\n"},
      // The last of two members of one name counts.
      {R"({"streams":[{"stream":{"a":"1"},"stream":{"b":"2"},"values":[["1","x"]],"values":[["2","y"]]}]})",
       "{b=\"2\"}\n  2 y {}\n"},
      {R"({"streams":[{"stream":{"a":"1"}}],"streams":[{"stream":{"a":"2"}}]})", "{a=\"2\"}\n"},
      {with_values("null"), "{a=\"b\"}\n"},
      {with_values(R"([["5"]])"), "{a=\"b\"}\n  5  {}\n"},
      {with_values(R"([[]])"), "{a=\"b\"}\n  0  {}\n"},
      {with_values(R"([["-5","x"],["+7","y"]])"), "{a=\"b\"}\n  -5 x {}\n  7 y {}\n"},
      {with_values(R"([["1","x",{"a":"b"},5,{"c":[]},null]])"), "{a=\"b\"}\n  1 x {a=\"b\"}\n"},
      {with_values(R"([["1","x",{}]])"), "{a=\"b\"}\n  1 x {}\n"},
      {with_values(R"([["1","x",{"a":"1","b":"2","a":"3"}]])"), "{a=\"b\"}\n  1 x {a=\"3\", b=\"2\"}\n"},
      {with_values(R"([["1","\"q\" \\ \/ \b\f\n\r\t \u00e9 \ud83d\ude00"]])"),
       "{a=\"b\"}\n  1 \"q\" \\ / \b\f\n\r\t \xC3\xA9 \xF0\x9F\x98\x80 {}\n"},
      {with_values(R"([["1","\ud83d lone \ude00 \ud800A"]])"),
       "{a=\"b\"}\n  1 \xEF\xBF\xBD lone \xEF\xBF\xBD \xEF\xBF\xBD"
       "A {}\n"},
      {with_values("[[\"1\",\"a\xFF\xFE"
                   "b\"]]"),
       "{a=\"b\"}\n  1 a\xEF\xBF\xBD\xEF\xBF\xBD"
       "b {}\n"},
      {with_values(R"([["1","x",{"n\u00e9\"":"v\u0031"}]])"), "{a=\"b\"}\n  1 x {n\xC3\xA9\"=\"v1\"}\n"},
      {with_labels("null"), "{}\n"},
      {with_labels(R"({"a":5,"b":1.50,"c":true,"d":null,"e":{"x": [1]},"f":["y"] })"),
       "{a=\"5\", b=\"1.50\", c=\"true\", d=\"null\", e=\"{\\\"x\\\": [1]}\", f=\"[\\\"y\\\"]\"}\n"},
      {with_labels(R"({"a":"1","b":"2","a":"3"})"), "{a=\"3\", b=\"2\"}\n"},
      {with_labels(R"({"\u0061":"\u0062"})"), "{a=\"b\"}\n"},
      {with_labels(R"({"a":""})"), "{a=\"\"}\n"},
  };
  for (const Case& c : cases) EXPECT_EQ(decode(c.body), c.expected) << c.body;
}

TEST(LokiPushJson, Refused) {
  const std::string not_string = "error: Value is string, but can't find closing '\"' symbol";
  const std::string not_object = "error: Value looks like object, but can't find closing '}' symbol";
  const Case cases[] = {
      {with_values(R"([[1722500000000000000,"x"]])"), not_string},
      {with_values(R"([["1",5]])"), not_string},
      {with_values(R"([["1",null]])"), not_string},
      {with_values(R"([["1",{"a":"b"}]])"), not_string},
      {with_values(R"([["1","x",{"a":5}]])"), not_string},
      {with_values(R"([["1","x",{"a":null}]])"), not_string},
      {with_values(R"([["1","x",{"a":{"b":"c"}}]])"), not_string},
      {with_values(R"([["1","x","y"]])"), not_object},
      {with_values(R"([["1","x",["y"]]])"), not_object},
      {with_values(R"([["1","x",null]])"), not_object},
      {with_values(R"([["abc","x"]])"), "error: strconv.ParseInt: parsing \"abc\": invalid syntax"},
      {with_values(R"([["","x"]])"), "error: strconv.ParseInt: parsing \"\": invalid syntax"},
      {with_values(R"([["1.5","x"]])"), "error: strconv.ParseInt: parsing \"1.5\": invalid syntax"},
      {with_values(R"([["+-5","x"]])"), "error: strconv.ParseInt: parsing \"+-5\": invalid syntax"},
      {with_values(R"([["9223372036854775808","x"]])"),
       "error: strconv.ParseInt: parsing \"9223372036854775808\": value out of range"},
      {with_values(R"({"a":"b"})"), "error: values must be an array"},
      {with_values(R"(["1","x"])"), "error: value must be an array"},
      {with_labels(R"({"service.name":"x"})"),
       "error: couldn't parse labels: 1:9: parse error: unexpected character inside braces: '.'"},
      {with_labels(R"({"z":"1","b-c":"x"})"),
       "error: couldn't parse labels: 1:3: parse error: unexpected character inside braces: '-'"},
      {with_labels(R"({"":"x"})"),
       "error: couldn't parse labels: 1:2: parse error: unexpected character inside braces: '='"},
      {with_labels(R"("{a=\"b\"}")"), "error: stream labels must be an object"},
      {R"({"streams":{}})", "error: streams must be an array"},
      {R"({"streams":["x"]})", "error: stream must be an object"},
      {R"([])", "error: body must be a JSON object"},
      {R"("x")", "error: body must be a JSON object"},
  };
  for (const Case& c : cases) EXPECT_EQ(decode(c.body), c.expected) << c.body;
}

TEST(LokiPushJson, MalformedJsonIsRefused) {
  for (std::string_view body : {"",
                                " ",
                                "{",
                                "}",
                                "{\"streams\"",
                                "{\"streams\":",
                                "{\"streams\":[",
                                "{\"streams\":[{}",
                                "{\"streams\":[]",
                                "{\"streams\":[]}}",
                                "{\"streams\":[]} x",
                                "{\"streams\":[]}{}",
                                "{\"streams\":[,]}",
                                "{\"streams\" []}",
                                "{streams:[]}",
                                "{\"streams\":[{\"stream\":{\"a\":\"b\" \"c\":\"d\"}}]}",
                                "nul",
                                "\xFF",
                                "{\"streams\":[{\"stream\":{\"a\":\"\\q\"}}]}",
                                "{\"streams\":[{\"stream\":{\"a\":\"\\u12g4\"}}]}",
                                "{\"streams\":[{\"values\":[[\"1\",\"a\nb\"]]}]}"}) {
    EXPECT_TRUE(decode(body).starts_with("error: ")) << body << " gave " << decode(body);
  }
}

TEST(LokiPushJson, LegacyShape) {
  EXPECT_EQ(
      decode(
          R"({"streams":[{"labels":"{a=\"b\", c=\"d\"}","entries":[)"
          R"({"ts":"2024-08-01T10:00:00.000000001Z","line":"x"},{"line":"y","ts":"1970-01-01T00:00:01+00:00"}]}]})"),
      "{a=\"b\", c=\"d\"}\n  1722506400000000001 x {}\n  1000000000 y {}\n");
  EXPECT_EQ(decode(R"({"streams":[{"labels":"{a.b=\"c\"}","entries":[]}]})"),
            "error: couldn't parse labels: 1:3: parse error: unexpected character inside braces: '.'");
  EXPECT_TRUE(
      decode(R"({"streams":[{"labels":"{}","entries":[{"ts":"yesterday"}]}]})").starts_with("error: "));
  EXPECT_TRUE(decode(R"({"streams":[{"labels":"{}","entries":[{"ts":5}]}]})").starts_with("error: "));
}

TEST(LokiPushJson, ManyNamesAreDeduplicatedToo) {
  std::string json = "{";
  for (int round = 0; round < 3; ++round)
    for (int i = 0; i < 100; ++i)
      json += (json.size() > 1 ? ",\"k" : "\"k") + std::to_string(i) + "\":\"" +
              std::to_string(round * 1000 + i) + "\"";
  LogBatch batch;
  ASSERT_TRUE(decode_loki_push_json(with_values(R"([["1","x",)" + json + "}]]"), batch));
  ASSERT_EQ(batch.metadata.size(), 100U);
  for (std::size_t i = 0; i < 100; ++i) {
    EXPECT_EQ(batch.metadata[i].name, "k" + std::to_string(i));
    EXPECT_EQ(batch.metadata[i].value, std::to_string(2000 + i));
  }
}

TEST(LokiPushJson, TruncationAtEveryByteIsRefused) {
  std::string body =
      R"({"streams":[{"stream":{"app":"x\u0041"},"values":[["17","l\n",{"t":"4"}],["18","m"]]}],"k":[{}]})";
  EXPECT_FALSE(decode(body).starts_with("error"));
  for (std::size_t size = 0; size < body.size(); ++size)
    EXPECT_TRUE(decode(std::string(body, 0, size)).starts_with("error: ")) << size;
}

TEST(LokiPushJson, DeepNestingIsSkippedOrRefusedQuickly) {
  std::string open(100'000, '[');
  std::string close(100'000, ']');
  EXPECT_EQ(decode("{\"x\":" + open + close + ",\"streams\":[]}"), "");
  EXPECT_TRUE(decode("{\"x\":" + open).starts_with("error: "));
  EXPECT_TRUE(decode("{\"streams\":" + open + close + "}").starts_with("error: "));
  EXPECT_EQ(decode(with_labels("{\"a\":" + open + close + "}")), "{a=\"" + open + close + "\"}\n");
}

}  // namespace
}  // namespace weft::wire

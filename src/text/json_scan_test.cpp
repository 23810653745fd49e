#include "text/json_scan.h"

#include <gtest/gtest.h>

namespace weft::text {
namespace {

// Members as `key=value` (values raw, arrays and objects too) and the error, if any.
std::string members(std::string_view text) {
  JsonObjectScanner scanner(text);
  std::string out;
  std::string_view key;
  JsonValue value;
  while (scanner.next(key, value)) out.append(key).append("=").append(value.raw).append(";");
  if (scanner.error() != JsonError::none) out.append("!").append(message_of(scanner.error()));
  return out;
}

TEST(JsonScan, ReadsMembersInOrder) {
  EXPECT_EQ(members("{}"), "");
  EXPECT_EQ(
      members(R"( { "a" : 1.50 , "b":"x\"y","c":[1,{"d":2}],"e":{"f":"}"},"t":true,"n":null } trailing)"),
      R"(a=1.50;b=x\"y;c=[1,{"d":2}];e={"f":"}"};t=true;n=null;)");
  // Strings longer than one block of the scanner, with escapes across its edge.
  std::string longer(15, 'x');
  EXPECT_EQ(members("{\"k\":\"" + longer + "\\\"" + longer + "\"}"), "k=" + longer + "\\\"" + longer + ";");
}

TEST(JsonScan, KeepsWhatCameBeforeAnError) {
  for (auto [text, expected] : std::vector<std::pair<const char*, const char*>>{
           {"", "!Value looks like object, but can't find closing '}' symbol"},
           {"plain", "!Value looks like object, but can't find closing '}' symbol"},
           {"{", "!Malformed JSON error"},
           {R"({"broken json": )", "!Malformed JSON error"},
           {R"({"a":1,"b":)", "a=1;!Malformed JSON error"},
           {R"({"a":1,"b":{"c":2)", "a=1;!Value looks like object, but can't find closing '}' symbol"},
           {R"({"a":1,"b":[2)", "a=1;!Value is array, but can't find closing ']' symbol"},
           {R"({"a":1,"b":"x)", "a=1;!Value is string, but can't find closing '\"' symbol"},
           {R"({"a":1,"b":"x\)", "a=1;!Value is string, but can't find closing '\"' symbol"},
           {R"({"a":1)", "a=1;!Value is array, but can't find closing ']' symbol"},
           {R"({"a":1 "b":2})", "a=1;!Value looks like object, but can't find closing '}' symbol"},
           {R"({"a":oops})", "!Unknown value type"},
           {R"({a:1})", "!Value looks like object, but can't find closing '}' symbol"},
           {R"({"a" 1})", "!Malformed JSON error"}})
    EXPECT_EQ(members(text), expected) << text;
}

TEST(JsonScan, UnescapesAsLoki) {
  Arena arena;
  EXPECT_EQ(unescape_json(R"(plain é)", arena), "plain é");
  EXPECT_EQ(unescape_json(R"(\"\\\/\b\f\n\r\t\u00e9\u4e2d\ud83d\ude00)", arena), "\"\\/\b\f\n\r\té中😀");
  EXPECT_EQ(unescape_json("a\xEF\xBF\xBD"
                          "b\xff"
                          "c\\ufffd",
                          arena),
            "a b c ");
  for (const char* bad : {R"(\x)", R"(\u12)", R"(\ud83d)", R"(\ud83dx)", R"(\udc00\ud83d)", "\\"})
    EXPECT_EQ(unescape_json(bad, arena), std::nullopt) << bad;
}

TEST(JsonScan, FollowsPaths) {
  const char* text = R"({"a":{"b c":[10,"x",{"d":null}]},"e.f":true,"g":{}, "h\u0069":1})";
  for (auto [path, expected] :
       std::vector<std::pair<const char*, const char*>>{{"a", R"({"b c":[10,"x",{"d":null}]})"},
                                                        {R"(a["b c"][0])", "10"},
                                                        {R"(a["b c"][1])", "x"},
                                                        {R"(a["b c"][2].d)", "null"},
                                                        {R"(a["b c"][3])", ""},
                                                        {R"(["e.f"])", "true"},
                                                        {"e.f", ""},
                                                        {"g.x", ""},
                                                        {"hi", "1"},
                                                        {"a.b", ""}}) {
    auto steps = parse_json_path(path);
    ASSERT_TRUE(bool(steps)) << path;
    EXPECT_EQ(find_json(text, *steps).raw, expected) << path;
  }
  EXPECT_EQ(find_json("[1,[2,3]]", *parse_json_path("[1][0]")).raw, "2");
  EXPECT_EQ(find_json(R"({"a":1,"b":)", *parse_json_path("a")).raw, "1");
  for (const char* bad : {"", "a.", ".a", "a..b", "a[", "a[x]", "a[\"x", "a]", "user[", "1a"})
    EXPECT_FALSE(bool(parse_json_path(bad))) << bad;
}

}  // namespace
}  // namespace weft::text

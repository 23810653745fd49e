#include "ingest/level.h"

#include <gtest/gtest.h>

namespace weft::ingest {
namespace {

TEST(Level, OfALine) {
  struct Case {
    std::string line;
    std::string_view level;
  };
  const std::string kLong(200, 'x');
  const Case kCases[] = {
      // JSON
      {R"({"time":"2026-11-20T10:00:32Z","level":"ERROR","msg":"x"})", "error"},
      {R"({"msg":"an error, a warning","level":"INFO"})", "info"},
      {R"({"msg":"{\"level\":\"error\"}","level":"debug"})", "debug"},
      {R"({"msg":"quote \" then \\","lvl":"wrn"})", "warn"},
      {R"({ "severity" : "Warning" })", "warn"},
      {R"({"log.level":"trc"})", "trace"},
      {R"({"SeverityText":"FATAL"})", "fatal"},
      {R"({"log":{"level":"critical"}})", "critical"},
      {R"({"a":{"b":{"level":"debug"}},"x":"y"})", "debug"},  // a keyword, since depth 3 is too deep
      {R"({"a":{"b":{"level":"dbg"}},"x":"y"})", "unknown"},  // and no keyword either
      {R"({"a":[{"level":"dbg"}],"lvl":"inf"})", "info"},
      {R"({"level":30,"msg":"started"})", "unknown"},
      {R"({"level":50,"msg":"an err"})", "error"},
      {R"({"level":"notice","msg":"warn me"})", "warn"},
      {R"({"name":"level","msg":"x"})", "unknown"},
      {R"({"broken json": )", "unknown"},
      {R"({"level":"warn)", "warn"},  // cut short: the keyword
      {R"({"a":")" + kLong + R"(","level":"error"})", "error"},
      {R"({"a":")" + kLong + R"(\"","b":1,"level":"error"})", "error"},
      {R"({"unicode":"\u00e9\u4e2d","esc":"line\nbreak \"q\" back\\slash"})", "unknown"},
      // logfmt
      {"ts=2026 level=warn msg=\"a b\"", "warn"},
      {"level=error value=42", "error"},
      {"LEVEL=Information msg=error", "info"},
      {"msg=\"level=error in quotes\" level=info", "info"},
      {"msg=\"say \\\"level=error\\\"\" lvl=debug", "debug"},
      {"ts=1 level=\"WARN\" x", "warn"},
      {"sublevel=dbg x=1", "unknown"},
      {"loglevel=debug", "debug"},  // the keyword, not the field
      {"a=" + kLong + " severity=err", "error"},
      {"level= msg=x", "unknown"},
      // keywords
      {"2026-11-20 ERROR [main] it broke, info follows", "error"},
      {"an information, errors, warned, traced", "unknown"},
      {"[warning] disk", "warn"},
      {"my_error error_code", "unknown"},
      {"info", "info"},
      {"x err", "error"},
      {"CRITICAL: x", "critical"},
      {kLong.substr(0, 62) + " info", "info"},
      {kLong.substr(0, 63) + " info", "info"},
      {std::string(63, ' ') + "info", "info"},
      {std::string(62, ' ') + "xinfo info", "info"},
      {"", "unknown"},
      {"   ", "unknown"},
      {"na\xc3\xafve caf\xc3\xa9", "unknown"},
      {"192.168.4.7 - frank \"GET /apache_pb.gif HTTP/1.0\" 200 2326", "unknown"},
  };
  for (const Case& c : kCases) EXPECT_EQ(level_of_line(c.line), c.level) << c.line;
}

TEST(Level, Words) {
  for (auto [word, level] :
       std::vector<std::pair<std::string_view, std::string_view>>{{"trc", "trace"},
                                                                  {"TRACE", "trace"},
                                                                  {"dbg", "debug"},
                                                                  {"Debug", "debug"},
                                                                  {"inf", "info"},
                                                                  {"INFO", "info"},
                                                                  {"Information", "info"},
                                                                  {"wrn", "warn"},
                                                                  {"warn", "warn"},
                                                                  {"WARNING", "warn"},
                                                                  {"err", "error"},
                                                                  {"eRRor", "error"},
                                                                  {"critical", "critical"},
                                                                  {"fatal", "fatal"},
                                                                  {"notice", ""},
                                                                  {"", ""},
                                                                  {"30", ""}})
    EXPECT_EQ(normal_level(word), level) << word;
}

TEST(Level, SeverityNumbers) {
  const std::string_view kLevels[] = {"trace", "debug", "info", "warn", "error", "fatal"};
  for (int n = 1; n <= 24; ++n) EXPECT_EQ(level_of_severity(n), kLevels[(n - 1) / 4]) << n;
  for (int n : {-1, 0, 25}) EXPECT_EQ(level_of_severity(n), "") << n;
}

TEST(Level, FieldNames) {
  for (auto name : {"level", "LEVEL", "Level", "log.level", "severity", "SEVERITY", "Severity",
                    "SeverityText", "lvl", "LVL", "Lvl", "severity_text", "Severity_Text", "SEVERITY_TEXT"})
    EXPECT_TRUE(is_level_field(name)) << name;
  for (auto name : {"", "leVel", "levels", "severitytext", "detected_level"})
    EXPECT_FALSE(is_level_field(name)) << name;
}

}  // namespace
}  // namespace weft::ingest

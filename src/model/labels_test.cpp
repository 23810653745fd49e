#include "model/labels.h"

#include <gtest/gtest.h>

#include "base/arena.h"

namespace weft {
namespace {

std::string parsed(std::string_view text) {
  Arena arena;
  std::vector<Label> out;
  if (auto r = parse_labels(text, out, arena); !r) return r.error().message();
  return label_text(out);
}

TEST(Labels, ParsesLokisTextForm) {
  EXPECT_EQ(parsed(R"({a="b", c="d"})"), R"({a="b", c="d"})");
  EXPECT_EQ(parsed("{}"), "{}");
  EXPECT_EQ(parsed(" { a = `raw\\n` , } "), R"({a="raw\\n"})");
  EXPECT_EQ(parsed(R"({a="q\"\n\u00e9\x41\101"})"), "{a=\"q\\\"\\n\u00e9AA\"}");
}

TEST(Labels, SaysWhereTextIsWrong) {
  EXPECT_EQ(parsed(R"({service.name="x"})"), "1:9: parse error: unexpected character inside braces: '.'");
  for (auto bad : {"", "{", "{a}", "{a=\"b}", "{a=\"\\q\"}", "{a=\"b\"} x", "{a=b}", "{\"a\"=\"b\"}"})
    EXPECT_NE(parsed(bad).find("parse error"), std::string::npos) << bad;
}

TEST(Labels, ASetIsSortedAndHasNoEmptyValues) {
  std::vector<Label> labels = {{"b", "2"}, {"a", "1"}, {"c", ""}};
  LabelSet set = LabelSet::from(labels);
  EXPECT_EQ(set.to_string(), R"({a="1", b="2"})");
  EXPECT_EQ(set.get("b"), "2");
  EXPECT_EQ(set.get("c"), "");
  LabelSet copy = set;
  EXPECT_EQ(copy, set);
  EXPECT_EQ(copy.hash(), set.hash());
  LabelSet moved = std::move(copy);
  EXPECT_EQ(moved.get("a"), "1");
}

}  // namespace
}  // namespace weft

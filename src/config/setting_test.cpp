#include "config/setting.h"

#include <gtest/gtest.h>

namespace weft::config {
namespace {

enum class Colour : unsigned char { red, green };

struct Values {
  bool on = false;
  int count = 3;
  double share = 0.5;
  std::string name = "weft";
  Colour colour = Colour::red;
  std::int64_t wait_ns = 90'000'000'000;
  std::size_t size_bytes = 4 << 20;
  std::vector<std::string> words = {"a", "b c"};
};

Schema declare(Values& v) {
  Schema schema;
  schema.boolean("on", &v.on, "On.");
  schema.integer("count", &v.count, {.min = 1, .max = 9}, "How many.");
  schema.number("share", &v.share, {.min = 0, .max = 1}, "Part.");
  schema.text("name", &v.name, "Name.");
  schema.choice("colour", &v.colour, {{"red", 0}, {"green", 1}}, "Colour.");
  schema.duration("wait", &v.wait_ns, {.min = 1'000'000'000}, "Wait.");
  schema.bytes("size", &v.size_bytes, {.min = 10, .max = 1 << 30}, "Size.");
  schema.list("words", &v.words, "Words.");
  return schema;
}

// Gives a setting a value; returns how it prints then, or the error.
std::string give(std::string_view name, const std::vector<std::string>& values) {
  Values v;
  Schema schema = declare(v);
  auto done = schema.find(name)->assign(values);
  return done ? schema.find(name)->print() : done.error().message();
}

TEST(Setting, ValuesAndBounds) {
  struct Case {
    const char* name;
    std::vector<std::string> values;
    const char* want;
  };
  const Case cases[] = {
      {"on", {"true"}, "true"},
      {"on", {"Yes"}, "true"},
      {"on", {"0"}, "false"},
      {"on", {"maybe"}, "'maybe' is not true or false"},
      {"count", {"9"}, "9"},
      {"count", {"10"}, "'10' is not in range: 1 to 9"},
      {"count", {"1x"}, "'1x' is not a whole number"},
      {"count", {""}, "'' is not a whole number"},
      {"count", {"99999999999999999999"}, "'99999999999999999999' is not a whole number"},
      {"count", {"1", "2"}, "2 values, expected one: a whole number"},
      {"share", {"0.25"}, "0.25"},
      {"share", {"1.5"}, "'1.5' is not in range: 0 to 1"},
      {"share", {"NaN"}, "'NaN' is not a number"},
      {"name", {"a: b"}, "\"a: b\""},
      {"colour", {"green"}, "green"},
      {"colour", {"blue"}, "'blue' is not red or green"},
      {"wait", {"14d"}, "336h"},
      {"wait", {"1h30m"}, "1h30m"},
      {"wait", {"500ms"}, "'500ms' is not at least 1s"},
      {"wait", {"soon"}, "'soon' is not a duration such as 30s, 1h30m or 14d"},
      {"size", {"256KiB"}, "256KiB"},
      {"size", {"4MB"}, "4000000"},
      {"size", {"2GiB"}, "'2GiB' is not at most 1GiB"},
      {"size", {"big"}, "'big' is not a size in bytes such as 256KiB, 4MB or 1048576"},
      {"words", {"x", "y z"}, "[x, \"y z\"]"},
      {"words", {}, "[]"},
  };
  for (const Case& c : cases) EXPECT_EQ(give(c.name, c.values), c.want) << c.name;
}

TEST(Setting, NamesAndDefaults) {
  Values v;
  Schema schema;
  schema.integer("http.path_prefix", &v.count, {}, "Prefix.").aliases = {"server.path"};
  EXPECT_EQ(schema.settings()[0].flag(), "--http.path-prefix");
  EXPECT_EQ(schema.settings()[0].variable(), "WEFT_HTTP_PATH_PREFIX");
  EXPECT_EQ(schema.settings()[0].initial, "3");
  EXPECT_NE(schema.find("http.path-prefix"), nullptr);
  EXPECT_EQ(schema.find("server.path"), nullptr);
  EXPECT_NE(schema.find_flag("server.path"), nullptr);
  EXPECT_EQ(schema.nearest("http.pathprefix"), "http.path_prefix");
}

TEST(EditDistance, CountsTheStepsOfAWriter) {
  EXPECT_EQ(edit_distance("", "abc"), 3U);
  EXPECT_EQ(edit_distance("port", "prot"), 1U);  // two letters swapped
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
  EXPECT_EQ(edit_distance("same", "same"), 0U);
  EXPECT_EQ(nearest("prot", {"path", "port", "part"}), "port");
  EXPECT_EQ(nearest("x", {}), "");
}

}  // namespace
}  // namespace weft::config

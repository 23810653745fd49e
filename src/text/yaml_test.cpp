#include "text/yaml.h"

#include <gtest/gtest.h>

namespace weft::text {
namespace {

// The tree in one line: {a: 'x', b: [1, ~]}; quoted scalars keep quotes.
std::string dump(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::null: return "~";
    case YamlNode::Kind::scalar: return node.quoted ? "'" + node.value + "'" : node.value;
    case YamlNode::Kind::map: {
      std::string out = "{";
      for (const YamlEntry& entry : node.entries)
        out += (out.size() > 1 ? ", " : "") + entry.key + ": " + dump(entry.node);
      return out + "}";
    }
    case YamlNode::Kind::sequence: {
      std::string out = "[";
      for (const YamlNode& item : node.items) out += (out.size() > 1 ? ", " : "") + dump(item);
      return out + "]";
    }
  }
  return "";
}

std::string read(std::string_view text, const YamlLimits& limits = {}) {
  auto node = parse_yaml(text, "f.yaml", limits);
  return node ? dump(*node) : node.error().message();
}

TEST(Yaml, Trees) {
  struct Case {
    const char* text;
    const char* want;
  };
  const Case cases[] = {
      {"", "~"},
      {"# only a comment\n", "~"},
      {"a: 1\nb:\n  c: x\n", "{a: 1, b: {c: x}}"},
      {"a:\nb: ~\nc: null\nd: ''\n", "{a: ~, b: ~, c: ~, d: ''}"},
      {"- a\n- [b, 'c']\n- {d: e}\n", "[a, [b, 'c'], {d: e}]"},
      {"a: |\n  two\n  lines\n", "{a: 'two\nlines\n'}"},
      {"---\na: 1\n", "{a: 1}"},
      {"a: &x {k: v}\nb: *x\n", "{a: {k: v}, b: {k: v}}"},
      {"a: &x [1, 2]\nb: [*x, *x]\n", "{a: [1, 2], b: [[1, 2], [1, 2]]}"},
      {"base: &b {p: 1, q: 2}\nuse:\n  <<: *b\n  q: 3\n", "{base: {p: 1, q: 2}, use: {q: 3, p: 1}}"},
      {"x: &x {p: 1}\ny: &y {p: 2, r: 3}\nu: {<<: [*x, *y], s: 4}\n",
       "{x: {p: 1}, y: {p: 2, r: 3}, u: {s: 4, p: 1, r: 3}}"},
      {"{a: 1, b: [c]}", "{a: 1, b: [c]}"},
      {"a: 'it''s'\n", "{a: 'it's'}"},
  };
  for (const Case& c : cases) EXPECT_EQ(read(c.text), c.want) << c.text;
}

TEST(Yaml, ErrorsNameTheirPlace) {
  struct Case {
    const char* text;
    const char* want;
  };
  const Case cases[] = {
      {"a: 1\nb: 2\na: 3\n", "f.yaml:3:1: key 'a' again: it is already in line 1; remove one of them"},
      {"x:\n  k: 1\n  k: 1\n", "f.yaml:3:3: key 'k' again: it is already in line 2; remove one of them"},
      {"a: *x\n", "f.yaml:1:4: *x has no anchor &x before it"},
      {"a: &x [*x]\n", "f.yaml:1:8: *x refers to what it is part of"},
      {"a: 1\n---\nb: 1\n", "f.yaml:3:1: a second document; this file may have only one"},
      {"[1]: 2\n", "f.yaml:1:1: a key must be a single value"},
      {"a:\n  <<: 3\n", "f.yaml:2:3: << takes a map or a list of maps"},
      {"a: [1\n",
       "f.yaml:2:1: did not find expected ',' or ']' (while parsing a flow sequence that began in line 1)"},
      {"a:\n\t- b\n",
       "f.yaml:2:1: found character that cannot start any token (while scanning for the next token that "
       "began "
       "in line 2); YAML is indented with spaces, and text that begins with a sign needs quotes"},
  };
  for (const Case& c : cases) EXPECT_EQ(read(c.text), c.want) << c.text;
  EXPECT_TRUE(read("a: \xff\n").starts_with("f.yaml:1:")) << read("a: \xff\n");
}

TEST(Yaml, TextWithoutMemory) {
  EXPECT_EQ(read(std::string_view()), "~");
}

TEST(Yaml, Marks) {
  auto node = parse_yaml("a: 1\nb:\n  c: [x, yy]\n", "f");
  ASSERT_TRUE(node);
  const YamlNode* c = node->at({"b", "c"});
  ASSERT_NE(c, nullptr);
  EXPECT_EQ(c->mark.line, 3U);
  EXPECT_EQ(c->mark.column, 6U);
  EXPECT_EQ(c->items.at(1).mark.column, 10U);
  EXPECT_EQ(node->at({"b", "d"}), nullptr);
  EXPECT_EQ(node->entries[1].mark.line, 2U);
}

TEST(Yaml, BombsEndAtTheLimits) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int k = 0; k < 10; ++k) bomb += (k ? ", *a" : "*a") + std::to_string(i - 1);
    bomb += "]\n";
  }
  EXPECT_NE(read(bomb).find("more than 100000 values, aliases counted"), std::string::npos);

  std::string wide = "a: &a " + std::string(10'000, 'x') + "\nb: [";
  for (int i = 0; i < 2'000; ++i) wide += "*a, ";
  EXPECT_NE(read(wide + "*a]\n").find("values of more than 16777216 bytes"), std::string::npos);

  EXPECT_NE(read(std::string(100, '[')).find("nested deeper than 64"), std::string::npos);
  // Depth through aliases counts too.
  std::string chain = "a0: &a0 [x]\n";
  for (int i = 1; i < 70; ++i)
    chain += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [*a" + std::to_string(i - 1) + "]\n";
  EXPECT_NE(read(chain).find("nested deeper than 64"), std::string::npos);
  EXPECT_NE(read("abc", {.text_bytes_max = 2}).find("3 bytes, a YAML file may have 2"), std::string::npos);
}

TEST(Yaml, Documents) {
  auto documents = parse_yaml_documents("a: 1\n---\nb: 2\n---\n", "f");
  ASSERT_TRUE(documents);
  ASSERT_EQ(documents->size(), 3U);
  EXPECT_EQ(dump((*documents)[1]), "{b: 2}");
}

TEST(Yaml, ScalarsReadBack) {
  for (std::string_view text :
       {"", "plain", "/var/lib", "0.0.0.0", "127.0.0.1:80", "a: b", "true", "~", "null", "-x", "# no", "it's",
        "two\nlines", "'", "\"q\"", " lead", "*x", "No", "é"}) {
    std::string written = yaml_scalar(text);
    auto node = parse_yaml("k: " + written + "\n", "f");
    ASSERT_TRUE(node) << written;
    EXPECT_EQ(node->find("k")->value, text) << written;
    EXPECT_TRUE(node->find("k")->is_scalar()) << written;
  }
}

}  // namespace
}  // namespace weft::text

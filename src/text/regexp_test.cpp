#include "text/regexp.h"

#include <gtest/gtest.h>

namespace weft::text {
namespace {

Regexp re(std::string_view pattern, Regexp::Options options = {}) {
  auto compiled = Regexp::compile(pattern, options);
  EXPECT_TRUE(bool(compiled)) << pattern;
  return *compiled;
}

std::string error(std::string_view pattern) {
  auto compiled = Regexp::compile(pattern);
  return compiled ? "" : compiled.error().message();
}

TEST(Regexp, MatchesAnywhereOrWholly) {
  EXPECT_TRUE(re("b+").matches("abbc"));
  EXPECT_FALSE(re("b+", {.anchored = true}).matches("abbc"));
  EXPECT_TRUE(re("a|ab", {.anchored = true}).matches("ab"));
  EXPECT_FALSE(re("a.c").matches("a\nc"));
  EXPECT_TRUE(re("a.c", {.dot_matches_newline = true}).matches("a\nc"));
}

TEST(Regexp, ReadsGoSyntax) {
  Regexp named = re(R"((?<first>\w+)-(?P<second>\d+)(x)?)");
  EXPECT_EQ(named.group_names(), (std::vector<std::string>{"first", "second", ""}));
  std::string_view groups[4];
  ASSERT_TRUE(named.find("go abc-12", 0, groups));
  EXPECT_EQ(groups[0], "abc-12");
  EXPECT_EQ(groups[1], "abc");
  EXPECT_EQ(groups[2], "12");
  EXPECT_EQ(groups[3].data(), nullptr);
  EXPECT_TRUE(re(R"([(?<]a)").matches("(a"));
  EXPECT_TRUE(re(R"([]a]b)").matches("]b"));
  EXPECT_TRUE(re(R"([[:alpha:]]\d)").matches("x1"));
  EXPECT_TRUE(re(R"(\Q(?<\E)").matches("(?<"));
}

TEST(Regexp, RefusesInGoWords) {
  EXPECT_EQ(error("a(b"), "error parsing regexp: missing closing ): `a(b`");
  EXPECT_EQ(error("a)b"), "error parsing regexp: unexpected ): `a)b`");
  EXPECT_EQ(error("[a"), "error parsing regexp: missing closing ]: `[a`");
  EXPECT_EQ(error("*a"), "error parsing regexp: missing argument to repetition operator: `*`");
  EXPECT_EQ(error(R"(\C)"), "error parsing regexp: invalid escape sequence: `\\C`");
  EXPECT_EQ(error("(?P<a>x)(?<a>y)"), "error parsing regexp: duplicate capture group name: `a`");
  EXPECT_EQ(error("(?=x)"), "error parsing regexp: invalid or unsupported Perl syntax: `(?=`");
}

TEST(Regexp, BytesThatAreNotUtf8MatchAsReplacementRune) {
  std::string text =
      "a\xff\xfe"
      "b=1";
  EXPECT_TRUE(re("a..b").matches(text));
  std::string_view groups[2];
  ASSERT_TRUE(re("a(..)b=").find(text, 0, groups));
  EXPECT_EQ(groups[0], std::string_view(text).substr(0, 5));
  EXPECT_EQ(groups[1], "\xff\xfe");
}

TEST(Regexp, ReplacesAsGo) {
  EXPECT_EQ(re("a(x*)b").replace_all("-ab-axxb-", "T"), "-T-T-");
  EXPECT_EQ(re("a(x*)b").replace_all("-ab-axxb-", "$1"), "--xx-");
  EXPECT_EQ(re("a(x*)b").replace_all("-ab-axxb-", "$1W"), "---");
  EXPECT_EQ(re("a(x*)b").replace_all("-ab-axxb-", "${1}W"), "-W-xxW-");
  EXPECT_EQ(re("a(?P<n>x*)b").replace_all("-axxb-", "<$n$$>"), "-<xx$>-");
  EXPECT_EQ(re("a(x*)b").replace_all_literal("-ab-axxb-", "${1}"), "-${1}-${1}-");
  EXPECT_EQ(re("x*").replace_all("abxc", "-"), "-a-b-c-");
  EXPECT_EQ(re("").replace_all("é", "."), ".é.");
}

}  // namespace
}  // namespace weft::text

#include "exec/matcher.h"

#include <gtest/gtest.h>

namespace weft::exec {
namespace {

StringMatcher make(MatchOp op, std::string value) {
  auto made = StringMatcher::make(op, std::move(value));
  EXPECT_TRUE(bool(made));
  return *made;
}

TEST(StringMatcher, Equality) {
  EXPECT_TRUE(make(MatchOp::equal, "a").matches("a"));
  EXPECT_FALSE(make(MatchOp::equal, "a").matches("ab"));
  EXPECT_TRUE(make(MatchOp::not_equal, "a").matches(""));
  EXPECT_EQ(make(MatchOp::equal, "a").literals(), std::vector<std::string>{"a"});
  EXPECT_TRUE(make(MatchOp::not_equal, "a").literals().empty());
}

TEST(StringMatcher, RegexesOfLiterals) {
  for (const char* pattern : {"b|a|a", "(b|a)", "(?:a|b)"}) {
    StringMatcher m = make(MatchOp::regex, pattern);
    EXPECT_EQ(m.literals(), (std::vector<std::string>{"a", "b"})) << pattern;
    EXPECT_TRUE(m.matches("a"));
    EXPECT_FALSE(m.matches("ab"));
    EXPECT_FALSE(m.matches(""));
  }
  EXPECT_TRUE(make(MatchOp::regex, R"(10\.0\.0\.1)").matches("10.0.0.1"));
  EXPECT_FALSE(make(MatchOp::regex, R"(10\.0\.0\.1)").matches("10a0.0.1"));
  EXPECT_TRUE(make(MatchOp::regex, "a|").matches(""));
  EXPECT_EQ(make(MatchOp::regex, "").literals(), std::vector<std::string>{""});
  // `(a)|(b)` only looks like one pair of parentheses.
  EXPECT_TRUE(make(MatchOp::regex, "(a)|(b)").matches("b"));
  EXPECT_TRUE(make(MatchOp::regex, R"(a\|b)").matches("a|b"));
}

// The cheap forms must decide as the regular expression would.
TEST(StringMatcher, CheapFormsAgreeWithTheRegexp) {
  struct Case {
    const char* pattern;
    const char* same;  // written so that no cheap form applies
  };
  for (auto [pattern, same] :
       {Case{".*", "(.*)(.*)"}, Case{".+", "(.+)"}, Case{"ab.*", "(ab)(.*)"}, Case{".*ab.*", "(.*)ab(.*)"},
        Case{"a\\..*", "(a[.])(.*)"}, Case{"a\\.*", "(a[.]*)"}})
    for (const char* text : {"", "a", "ab", "abc", "xab", "xabx", "a.", "a..", "a.b", "ab\nc", "a\xff"}) {
      EXPECT_EQ(make(MatchOp::regex, pattern).matches(text), make(MatchOp::regex, same).matches(text))
          << pattern << " on " << text;
      EXPECT_NE(make(MatchOp::regex, pattern).matches(text), make(MatchOp::not_regex, pattern).matches(text));
    }
}

TEST(StringMatcher, RefusesBadRegexes) {
  auto made = StringMatcher::make(MatchOp::regex, "a(");
  ASSERT_FALSE(bool(made));
  EXPECT_EQ(made.error().message(), "error parsing regexp: missing closing ): `a(`");
}

}  // namespace
}  // namespace weft::exec

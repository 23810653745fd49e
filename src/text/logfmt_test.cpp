#include "text/logfmt.h"

#include <gtest/gtest.h>

namespace weft::text {
namespace {

// Pairs as key=[value], bare ones as key; errors in between.
std::string pairs(std::string_view line) {
  LogfmtScanner scanner(line);
  LogfmtPair pair;
  std::string out;
  while (true) {
    if (scanner.next(pair)) {
      out.append(pair.key);
      if (!pair.bare) out.append("=[").append(pair.value).append("]");
      out += ' ';
    } else if (scanner.has_error()) {
      out.append("!").append(scanner.error()).append(" ");
    } else {
      return out;
    }
  }
}

TEST(Logfmt, Pairs) {
  EXPECT_EQ(pairs(""), "");
  EXPECT_EQ(pairs("a=1  bare\tb= c=\"x y\" d=\"q\\\"q\""), "a=[1] bare b=[] c=[x y] d=[q\\\"q] ");
  EXPECT_EQ(pairs("k=v=w a=1"), "!logfmt syntax error at pos 4 : unexpected '=' a=[1] ");
  EXPECT_EQ(pairs("=x a=1"), "!logfmt syntax error at pos 1 : unexpected '=' a=[1] ");
  EXPECT_EQ(pairs("\"GET /v6 b=2"), "!logfmt syntax error at pos 1 : unexpected '\"' /v6 b=[2] ");
  EXPECT_EQ(pairs("a=1 b=\"open c=2"), "a=[1] !logfmt syntax error at pos 16 : unterminated quoted value ");
  EXPECT_EQ(pairs("a=\"x\"y b=1"), "!logfmt syntax error at pos 6 : unexpected 'y' b=[1] ");
  EXPECT_EQ(pairs("a=\"x\\"), "!logfmt syntax error at pos 6 : unterminated quoted value ");
}

}  // namespace
}  // namespace weft::text

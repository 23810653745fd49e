#include "storage/block/log_text.h"

#include <random>
#include <string>

#include <gtest/gtest.h>

namespace weft::storage::block {
namespace {

const TraceId kTrace = *parse_trace_id("0123456789abcdef0123456789abcdef");
const TraceId kOther = *parse_trace_id("fedcba9876543210fedcba9876543210");
const SpanId kSpan = *parse_span_id("1122334455667788");

std::string cut_and_restore(const std::string& text, const TextIds& ids, TextCutter& cutter) {
  Arena arena;
  std::string stored(cutter.cut(text, ids, arena));
  std::string_view restored;
  EXPECT_TRUE(restore_text(stored, ids, arena, restored));
  EXPECT_EQ(restored, text);
  EXPECT_EQ(has_marks(stored), stored != text);
  return stored;
}

TEST(LogText, OneByteStandsForAnId) {
  TextIds ids;
  ids.set(kTrace, kOther, kSpan);
  TextCutter cutter;
  std::string trace = to_hex(kTrace);
  EXPECT_EQ(cut_and_restore("", ids, cutter), "");
  EXPECT_EQ(cut_and_restore("no id", ids, cutter), "no id");
  EXPECT_EQ(cut_and_restore(trace, ids, cutter), "\x01");
  EXPECT_EQ(
      cut_and_restore("a " + to_hex(kSpan) + " b " + to_hex(kOther) + " c " + trace + " d", ids, cutter),
      "a \x02 b \x03 c \x01 d");
  // The second occurrence stays.
  EXPECT_EQ(cut_and_restore(trace + trace, ids, cutter), "\x01" + trace);
  EXPECT_EQ(cut_and_restore("\x01\x02\x03\x04\x05", ids, cutter), "\x04\x01\x04\x02\x04\x03\x04\x04\x05");
  std::string upper = "0123456789ABCDEF0123456789ABCDEF";
  EXPECT_EQ(cut_and_restore(upper, ids, cutter), upper);
}

TEST(LogText, OverlappingIds) {
  TextIds ids;
  ids.set(kTrace, kOther, *parse_span_id("cdef0123456789ab"));
  TextCutter cutter;
  EXPECT_EQ(cut_and_restore("x" + to_hex(kTrace), ids, cutter), "x\x01");
}

TEST(LogText, AnyBytes) {
  std::mt19937_64 random(1);
  TextCutter cutter;
  for (int round = 0; round < 3000; ++round) {
    TextIds ids;
    ids.set(random() % 2 == 0 ? kTrace : TraceId(), random() % 2 == 0 ? kOther : TraceId(),
            random() % 2 == 0 ? kSpan : SpanId());
    std::string text;
    for (std::size_t pieces = random() % 6; pieces > 0; --pieces) {
      std::string parts[] = {to_hex(kTrace),
                             to_hex(kOther),
                             to_hex(kSpan),
                             std::string(random() % 5, '\x03'),
                             to_hex(kTrace).substr(random() % 32),
                             "text"};
      text += parts[random() % 6];
    }
    cut_and_restore(text, ids, cutter);
  }
}

TEST(LogText, RefusesWhatWasNotCut) {
  TextIds ids;
  ids.set(kTrace, {}, {});
  Arena arena;
  std::string_view out;
  for (std::string stored : {"\x02", "\x03", "\x04", "a\x04z", "\x01\x01"})
    EXPECT_FALSE(restore_text(stored, ids, arena, out)) << stored;
}

}  // namespace
}  // namespace weft::storage::block

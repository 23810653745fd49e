#include "ingest/refusals.h"

#include <random>
#include <set>

#include <gtest/gtest.h>

namespace weft::ingest {
namespace {

TEST(Refusals, OneIsToldPlainlyMoreAreGrouped) {
  Refusals r;
  r.begin(10);
  EXPECT_EQ(r.text(), "");
  r.add(3, 1, Reason::line_too_long, 0, [] { return "too long"; });
  EXPECT_EQ(r.text(), "too long");
  r.add(4, 2, Reason::line_too_long, 0, [] { return "not asked for"; });
  r.add(7, 1, Reason::line_too_long, 1, [] { return "too long elsewhere"; });
  r.add_undecoded(5, Reason::invalid_labels, "bad labels");
  EXPECT_EQ(r.text(),
            "3 errors like: too long; 1 errors like: too long elsewhere; 5 errors like: bad labels");
  EXPECT_EQ(r.count(), 9u);
  EXPECT_EQ(r.marked(), 4u);
  EXPECT_EQ(r.count_of(Reason::line_too_long), 4u);
  EXPECT_TRUE(r.refused(5));
  EXPECT_FALSE(r.refused(6));
  r.begin(1);
  EXPECT_EQ(r.count(), 0u);
}

TEST(Refusals, TextIsBounded) {
  Refusals r;
  r.begin(100);
  for (std::size_t i = 0; i < 100; ++i)
    r.add(i, 1, Reason::line_too_long, i, [] { return std::string(100'000, 'x'); });
  EXPECT_LT(r.text().size(), 100'000u);
  EXPECT_TRUE(r.text().ends_with("; and 90 more errors")) << r.text().substr(r.text().size() - 40);
}

TEST(Refusals, NoteKeepsExactlyTheMarks) {
  for (std::uint32_t seed = 1; seed <= 300; ++seed) {
    std::mt19937 rng(seed);
    std::size_t positions = 1 + rng() % 700;
    Refusals written;
    written.begin(positions);
    std::uint32_t density = 1 + rng() % 100;
    for (std::size_t i = 0; i < positions; ++i)
      if (rng() % 100 < density) written.add(i, 1, Reason::stream_limit, 0, [] { return "x"; });
    Refusals read;
    read.begin(positions);
    ASSERT_TRUE(read.read_note(written.note())) << "seed " << seed;
    for (std::size_t i = 0; i < positions; ++i)
      ASSERT_EQ(read.refused(i), written.refused(i)) << "seed " << seed;
    EXPECT_EQ(read.marked(), written.marked());
  }
  Refusals none;
  none.begin(5);
  EXPECT_EQ(none.note(), "");
}

TEST(Refusals, ANoteThatDoesNotFitIsRefused) {
  for (std::string_view note :
       {"\x05", "\x05\x06", "\x0b\x01", "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01\x01", "\xff"}) {
    Refusals r;
    r.begin(10);
    auto result = r.read_note(note);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code(), Code::corrupted);
  }
}

TEST(Refusals, EveryReasonHasAName) {
  std::set<std::string_view> names;
  for (int i = 0; i < static_cast<int>(Reason::count_); ++i)
    names.insert(reason_name(static_cast<Reason>(i)));
  EXPECT_EQ(names.size(), static_cast<std::size_t>(Reason::count_));
  EXPECT_FALSE(names.contains(""));
  EXPECT_EQ(reason_name(Reason::trace_too_large), "trace_too_large");
  EXPECT_EQ(reason_name(Reason::greater_than_max_sample_age), "greater_than_max_sample_age");
}

}  // namespace
}  // namespace weft::ingest

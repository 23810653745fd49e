#include "model/ids.h"

#include <gtest/gtest.h>

namespace weft {
namespace {

TEST(Ids, HexRoundTrip) {
  auto id = parse_trace_id("4bf92f3577b34da6a3ce929d0e0e4736");
  ASSERT_TRUE(id);
  EXPECT_EQ(to_hex(*id), "4bf92f3577b34da6a3ce929d0e0e4736");
}

TEST(Ids, ShortIdsArePaddedOnTheLeft) {
  EXPECT_EQ(to_hex(*parse_trace_id("123")), "00000000000000000000000000000123");
  EXPECT_EQ(*parse_trace_id("0A3ce929d0e0e4736"), *parse_trace_id("a3ce929d0e0e4736"));
  EXPECT_EQ(to_hex(*parse_span_id("f")), "000000000000000f");
}

TEST(Ids, RefusesWhatIsNotHexOrTooLong) {
  for (auto bad : {"", "g", "4bf92f3577b34da6a3ce929d0e0e47360", "12 4"})
    EXPECT_FALSE(parse_trace_id(bad)) << bad;
  EXPECT_FALSE(parse_span_id("00000000000000000"));
  EXPECT_FALSE(trace_id_from_bytes("short"));
}

}  // namespace
}  // namespace weft

#include <algorithm>
#include <random>

#include "storage/testing/test_store.h"
#include "storage/wal/reader.h"
#include "storage/wal/writer.h"

namespace weft::storage::wal {
namespace {

Frame frame_of(std::string_view body) {
  return {.tenant = "tenant",
          .kind = FrameKind::otlp_logs_protobuf,
          .encoding = Codec::gzip,
          .received_ns = -3,
          .body = body,
          .rejected = "no"};
}

// A segment of records with these bodies, and where they begin.
struct Segment {
  explicit Segment(std::uint32_t segment_number) : number(segment_number) {
    bytes = encode_segment_header(0);
    place_record(bytes, make_lsn(number, 0), 0);
  }
  void add(const Frame& frame) {
    std::string record = *encode_record(frame);
    // Each tells that those before it are durable.
    place_record(record, make_lsn(number, bytes.size()), make_lsn(number, bytes.size()));
    offsets.push_back(bytes.size());
    bytes += record;
  }
  std::vector<std::string> read(SegmentReport* report = nullptr, Lsn known_durable = 0) const {
    std::vector<std::string> bodies;
    auto found = read_segment(bytes, number, known_durable, [&](const Record& record) {
      std::string buffer;
      auto frame = original_frame(record, buffer);
      ASSERT_TRUE(frame);
      bodies.emplace_back(frame->body);
    });
    if (report != nullptr) *report = found;
    return bodies;
  }
  std::uint32_t number;
  std::string bytes;
  std::vector<std::uint64_t> offsets;
};

TEST(WalRecord, RoundTrip) {
  Segment segment(3);
  segment.add(frame_of("first"));
  Record record;
  ASSERT_EQ(decode_record(std::string_view(segment.bytes).substr(kSegmentHeaderBytes),
                          make_lsn(3, kSegmentHeaderBytes), record),
            RecordState::valid);
  EXPECT_EQ(record.frame.tenant, "tenant");
  EXPECT_EQ(record.frame.kind, FrameKind::otlp_logs_protobuf);
  EXPECT_EQ(record.frame.encoding, Codec::gzip);
  EXPECT_EQ(record.frame.received_ns, -3);
  EXPECT_EQ(record.frame.body, "first");
  EXPECT_EQ(record.frame.rejected, "no");
  EXPECT_EQ(record.size % kAlignment, 0u);
}

TEST(WalRecord, LongIdentityBodiesAreKeptSmaller) {
  std::string body;
  while (body.size() < 3'000'000) body += "line\n";  // better than 1:250
  Frame frame = frame_of(body);
  frame.encoding = Codec::identity;
  Segment segment(1);
  segment.add(frame);
  EXPECT_LT(segment.bytes.size(), body.size() / 10);
  EXPECT_EQ(segment.read(), std::vector{body});
}

TEST(WalReader, TornTailIsCutAtEveryByte) {
  Segment segment(1);
  segment.add(frame_of("one"));
  segment.add(frame_of("two"));
  Segment whole = segment;
  for (std::uint64_t cut = segment.offsets[1]; cut < whole.bytes.size(); ++cut) {
    // The rest never reached the disk: the file ends, or holds the zeros it was made of.
    for (bool padded : {false, true}) {
      segment.bytes = whole.bytes.substr(0, cut);
      if (padded) segment.bytes.resize(whole.bytes.size() + 100, '\0');
      SegmentReport report;
      auto bodies = segment.read(&report);
      // The last bytes only fill up to the alignment.
      std::size_t needed = kHeaderBytes + 16 + std::string_view("tenantnotwo").size();
      bool is_whole = cut - segment.offsets[1] >= needed;
      EXPECT_EQ(bodies, is_whole ? (std::vector<std::string>{"one", "two"}) : std::vector<std::string>{"one"})
          << cut;
      EXPECT_TRUE(report.corrupted.empty());
      if (is_whole) continue;
      EXPECT_EQ(report.end, segment.offsets[1]);
      if (!padded && cut > segment.offsets[1]) EXPECT_EQ(report.torn_bytes, cut - segment.offsets[1]) << cut;
    }
  }
}

TEST(WalReader, ABadByteCostsOneFrame) {
  Segment segment(1);
  for (const char* body : {"one", "two", "three", "four"}) segment.add(frame_of(body));
  for (std::uint64_t at = segment.offsets[1]; at < segment.offsets[2]; ++at) {
    Segment damaged = segment;
    damaged.bytes[at] = static_cast<char>(damaged.bytes[at] ^ 0x20);
    SegmentReport report;
    auto bodies = damaged.read(&report);
    if (bodies.size() == 4) {
      EXPECT_EQ(bodies[1], "two");  // padding
      continue;
    }
    EXPECT_EQ(bodies, (std::vector<std::string>{"one", "three", "four"})) << at;
    EXPECT_EQ(report.corrupted, std::vector{segment.offsets[1]});
    EXPECT_EQ(report.torn_bytes, 0u);
    EXPECT_EQ(report.end, segment.bytes.size());
  }
}

TEST(WalReader, DamageInTheLastFrameIsATearUnlessItsEndIsKnown) {
  Segment segment(1);
  segment.add(frame_of("one"));
  segment.add(frame_of("two"));
  Lsn end = make_lsn(1, segment.bytes.size());
  segment.bytes[segment.offsets[1] + 50] ^= 1;
  SegmentReport report;
  EXPECT_EQ(segment.read(&report).size(), 1u);
  EXPECT_TRUE(report.corrupted.empty());
  EXPECT_GT(report.torn_bytes, 0u);
  EXPECT_EQ(segment.read(&report, end).size(), 1u);
  EXPECT_EQ(report.corrupted, std::vector{segment.offsets[1]});
}

TEST(WalReader, NothingBehindTheKnownEndCounts) {
  Segment segment(1);
  for (const char* body : {"one", "two", "refused"}) segment.add(frame_of(body));
  SegmentReport report;
  EXPECT_EQ(segment.read(&report, make_lsn(1, segment.offsets[2])), (std::vector<std::string>{"one", "two"}));
  EXPECT_TRUE(report.corrupted.empty());
  EXPECT_EQ(report.end, segment.offsets[2]);
}

TEST(WalReader, AFrameBehindATearWasNeverAcknowledged) {
  Segment segment(1);
  segment.add(frame_of("one"));
  std::uint64_t torn_at = segment.bytes.size();
  for (const char* body : {"two", "three"}) {
    std::string record = *encode_record(frame_of(body));
    place_record(record, make_lsn(1, segment.bytes.size()), make_lsn(1, torn_at));
    segment.bytes += record;
  }
  segment.bytes[torn_at + 45] ^= 1;
  SegmentReport report;
  EXPECT_EQ(segment.read(&report), std::vector<std::string>{"one"});
  EXPECT_TRUE(report.corrupted.empty());
  EXPECT_EQ(report.end, torn_at);
  EXPECT_EQ(report.torn_bytes, segment.bytes.size() - torn_at);
}

TEST(WalReader, FramesOfAnEarlierLifeDoNotCount) {
  Segment old(1);
  for (int i = 0; i < 20; ++i) old.add(frame_of("old " + std::to_string(i)));
  Segment fresh(2);
  fresh.add(frame_of("new 0"));
  fresh.add(frame_of("new 1"));
  std::string bytes = old.bytes;
  std::copy(fresh.bytes.begin(), fresh.bytes.end(), bytes.begin());
  fresh.bytes = bytes;
  SegmentReport report;
  EXPECT_EQ(fresh.read(&report), (std::vector<std::string>{"new 0", "new 1"}));
  EXPECT_TRUE(report.corrupted.empty());
  EXPECT_EQ(report.torn_bytes, 0u);
}

TEST(WalReader, AnyBytes) {
  std::mt19937 random(5);
  Segment segment(1);
  for (int i = 0; i < 10; ++i) segment.add(frame_of("body " + std::to_string(i)));
  for (int round = 0; round < 3000; ++round) {
    Segment damaged = segment;
    for (unsigned n = 0; n < 1 + random() % 6; ++n)
      damaged.bytes[random() % damaged.bytes.size()] = static_cast<char>(random());
    if (random() % 3 == 0) damaged.bytes.resize(random() % damaged.bytes.size());
    SegmentReport report;
    for (const std::string& body : damaged.read(&report)) EXPECT_TRUE(body.starts_with("body "));
    EXPECT_LE(report.end, damaged.bytes.size());
  }
}

TEST(WalNames, RoundTrip) {
  EXPECT_EQ(segment_name(7), "segment-0000000007.wal");
  EXPECT_EQ(segment_number(segment_name(4'000'000'000U)), 4'000'000'000U);
  for (const char* other : {"lock", "segment-.wal", "segment-1", "segment-1x.wal", "spare-0000000001.wal"})
    EXPECT_EQ(segment_number(other), 0u) << other;
  EXPECT_TRUE(is_spare_name("spare-0000000001.wal"));
}

}  // namespace
}  // namespace weft::storage::wal

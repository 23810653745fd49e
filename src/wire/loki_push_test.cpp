#include "wire/loki_push.h"

#include <gtest/gtest.h>

#include "base/protozero.h"
#include "wire/samples/samples.h"

namespace weft::wire {
namespace {

using protozero::pbf_writer;
using samples::describe;

std::string entry(std::int64_t seconds, std::int32_t nanos, std::string_view line) {
  std::string out;
  pbf_writer row(out);
  {
    pbf_writer timestamp(row, 1);
    timestamp.add_int64(1, seconds);
    timestamp.add_int32(2, nanos);
  }
  row.add_string(2, line);
  return out;
}

// A request of one stream.
std::string request(std::string_view labels, std::vector<std::string> entries) {
  std::string out;
  pbf_writer message(out);
  pbf_writer stream(message, 1);
  stream.add_string(1, labels);
  for (const std::string& e : entries) stream.add_message(2, e);
  return out;
}

TEST(LokiPush, WhatIsEncodedComesBack) {
  LogBatch sent;
  samples::fill(sent, 100, 4, 60);
  sent.entries[3].time_ns = -1;
  sent.entries[4].time_ns = std::numeric_limits<std::int64_t>::min();
  sent.entries[5].line = "";
  sent.labels[2].value = "quote\" line\n";
  std::string body = encode_loki_push(sent);
  LogBatch got;
  std::vector<RejectedStream> rejected;
  for (int round = 0; round < 3; ++round) {  // a batch is reusable
    auto decoded = decode_loki_push(body, got, rejected);
    ASSERT_TRUE(decoded) << decoded.error().message();
    EXPECT_EQ(describe(got), describe(sent));
    EXPECT_TRUE(rejected.empty());
  }
}

TEST(LokiPush, StreamsWithBadLabelsAreRejectedAndTheirNeighboursStay) {
  std::string body = request("{a=\"1\"}", {entry(1, 0, "one")}) +
                     request("{service.name=\"x\"}", {entry(1, 0, "four"), entry(2, 0, "bytes")}) +
                     request("{a=\"2\"}", {entry(2, 5, "two")}) + request("", {entry(1, 0, "x")});
  LogBatch batch;
  std::vector<RejectedStream> rejected;
  ASSERT_TRUE(decode_loki_push(body, batch, rejected));
  EXPECT_EQ(describe(batch), "{a=\"1\"}\n  1000000000 one {}\n{a=\"2\"}\n  2000000005 two {}\n");
  ASSERT_EQ(rejected.size(), 2U);
  EXPECT_EQ(rejected[0].labels, "{service.name=\"x\"}");
  EXPECT_EQ(rejected[0].error, "1:9: parse error: unexpected character inside braces: '.'");
  EXPECT_EQ(rejected[0].entries, 2U);
  EXPECT_EQ(rejected[0].bytes, 9U);
  EXPECT_EQ(rejected[1].labels, "");
  EXPECT_EQ(rejected[1].entries, 1U);
}

TEST(LokiPush, RepeatedLabelTextIsReadOnce) {
  std::string one = request("{a=\"1\", b=\"x\\ny\"}", {entry(1, 0, "one")});
  LogBatch batch;
  std::vector<RejectedStream> rejected;
  std::string body = one + one + request("{a=\"2\"}", {}) + one;
  ASSERT_TRUE(decode_loki_push(body, batch, rejected));
  ASSERT_EQ(batch.streams.size(), 4U);
  EXPECT_EQ(batch.labels.size(), 5U);
  for (std::size_t i : {0U, 1U, 3U}) EXPECT_EQ(batch.labels_of(batch.streams[i])[1].value, "x\ny");
  EXPECT_EQ(batch.labels_of(batch.streams[2])[0].value, "2");
}

TEST(LokiPush, LabelsMayFollowEntriesAndUnknownFieldsAreSkipped) {
  std::string body;
  {
    pbf_writer message(body);
    message.add_string(2, "format");
    message.add_fixed64(99, 1);
    pbf_writer stream(message, 1);
    stream.add_message(2, entry(1, 0, "line"));
    stream.add_uint64(3, 12345);
    stream.add_string(1, "{a=\"1\"}");
    stream.add_int32(1, 7);  // a known number of another type
  }
  LogBatch batch;
  std::vector<RejectedStream> rejected;
  ASSERT_TRUE(decode_loki_push(body, batch, rejected));
  EXPECT_EQ(describe(batch), "{a=\"1\"}\n  1000000000 line {}\n");
}

TEST(LokiPush, TimesThatDoNotFitBecomeTheNearestThatDo) {
  std::string body =
      request("{a=\"1\"}", {entry(std::numeric_limits<std::int64_t>::max(), 0, ""),
                            entry(std::numeric_limits<std::int64_t>::min(), 0, ""),
                            entry(9'223'372'036, 854'775'807, ""), entry(9'223'372'036, 854'775'808, "")});
  LogBatch batch;
  std::vector<RejectedStream> rejected;
  ASSERT_TRUE(decode_loki_push(body, batch, rejected));
  std::vector<std::int64_t> times;
  for (const LogEntry& e : batch.entries) times.push_back(e.time_ns);
  std::int64_t max = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(times, (std::vector<std::int64_t>{max, std::numeric_limits<std::int64_t>::min(), max, max}));
}

TEST(LokiPush, BytesThatAreNotUtf8AreKept) {
  LogBatch batch;
  std::vector<RejectedStream> rejected;
  std::string body = request("{a=\"1\"}", {entry(1, 0, "\xFF\xFE")});
  ASSERT_TRUE(decode_loki_push(body, batch, rejected));
  EXPECT_EQ(batch.entries[0].line, "\xFF\xFE");
}

TEST(LokiPush, TruncationAtEveryByteNeverCrashes) {
  LogBatch sent;
  samples::fill(sent, 8, 2, 60);
  std::string body = encode_loki_push(sent);
  std::size_t refused = 0;
  for (std::size_t size = 0; size < body.size(); ++size) {
    std::string cut = body.substr(0, size);  // its own memory, so that a sanitizer sees every overrun
    LogBatch batch;
    std::vector<RejectedStream> rejected;
    auto decoded = decode_loki_push(cut, batch, rejected);
    if (!decoded) {
      EXPECT_EQ(decoded.error().code(), Code::invalid_argument);
      ++refused;
    }
  }
  EXPECT_EQ(refused, body.size() - 2);  // all but the empty request and the one of the first stream
}

TEST(LokiPush, GarbageIsRefused) {
  LogBatch batch;
  std::vector<RejectedStream> rejected;
  for (std::string_view body :
       {"{\"streams\":[]}", "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", "\x0A\x7F", "\x0B"}) {
    auto decoded = decode_loki_push(body, batch, rejected);
    ASSERT_FALSE(decoded) << body;
    EXPECT_EQ(decoded.error().code(), Code::invalid_argument);
  }
}

TEST(LokiPush, ManyEmptyItemsAreRefused) {
  std::string body;
  {
    std::string entries;
    for (int i = 0; i < 5'000'000; ++i) entries += std::string_view("\x12\x00", 2);
    pbf_writer message(body);
    message.add_message(1, entries);
  }
  LogBatch batch;
  std::vector<RejectedStream> rejected;
  auto decoded = decode_loki_push(body, batch, rejected);
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().code(), Code::resource_exhausted);
}

}  // namespace
}  // namespace weft::wire

#include "ingest/span_checks.h"

#include <gtest/gtest.h>

namespace weft::ingest {
namespace {

TEST(SpanChecks, TextsAreCutInEveryScopeButNotWithinLists) {
  const std::string key(12, 'k'), text(12, 't');
  const Value items[] = {Value::of(std::string_view(text))};
  const Attribute attributes[] = {{key, Value::of(std::string_view(text))},
                                  {"list", Value::of(std::span<const Value>(items))},
                                  {"n", Value::of(std::int64_t{5})},
                                  {"bytes", Value::of_bytes(text)}};
  SpanEvent event;
  event.attributes = attributes;
  SpanLink link;
  link.attributes = attributes;
  SpanBatch batch;
  batch.resources.push_back({attributes});
  batch.scopes.push_back({.attributes = attributes});
  Span span;
  span.attributes = attributes;
  span.events = {&event, 1};
  span.links = {&link, 1};
  batch.spans.push_back(span);
  Limits limits;
  limits.attribute_bytes_max = 10;
  std::vector<std::size_t> bytes;
  EXPECT_EQ(cut_attributes(batch, limits, bytes), 10u);  // a key and a value in five places
  ASSERT_EQ(bytes.size(), 1u);
  EXPECT_GT(bytes[0], 64u);
  for (Attributes cut : {batch.resources[0].attributes, batch.scopes[0].attributes, batch.spans[0].attributes,
                         batch.spans[0].events[0].attributes, batch.spans[0].links[0].attributes}) {
    ASSERT_EQ(cut.size(), 4u);
    EXPECT_EQ(cut[0].key, "kkkkkkkkkk");
    EXPECT_EQ(cut[0].value.as_text(), "tttttttttt");
    EXPECT_EQ(cut[1].value.as_array()[0].as_text(), text);
    EXPECT_EQ(cut[2].value.integer, 5);
    EXPECT_EQ(cut[3].value.as_text(), text);
  }
}

TEST(SpanChecks, NeverWithinARune) {
  const std::string text = "1234567\xe6\x97\xa5x";
  const Attribute attribute{"k", Value::of(std::string_view(text))};
  for (auto [limit, expected] :
       std::vector<std::pair<std::size_t, std::string_view>>{{7, "1234567"},
                                                             {8, "1234567"},
                                                             {9, "1234567"},
                                                             {10, "1234567\xe6\x97\xa5"},
                                                             {11, text},
                                                             {0, text}}) {
    SpanBatch batch;
    Span span;
    span.attributes = {&attribute, 1};
    batch.spans.push_back(span);
    Limits limits;
    limits.attribute_bytes_max = limit;
    std::vector<std::size_t> bytes;
    cut_attributes(batch, limits, bytes);
    EXPECT_EQ(batch.spans[0].attributes[0].value.as_text(), expected) << limit;
  }
}

TEST(SpanChecks, AttributesBeyondTheLimitAreCountedAsDropped) {
  std::vector<Attribute> attributes(1030, {"k", Value::of(true)});
  SpanBatch batch;
  Span span;
  span.attributes = attributes;
  span.dropped_attributes = 2;
  batch.spans.push_back(span);
  std::vector<std::size_t> bytes;
  EXPECT_EQ(cut_attributes(batch, Limits(), bytes), 0u);
  EXPECT_EQ(batch.spans[0].attributes.size(), 1024u);
  EXPECT_EQ(batch.spans[0].dropped_attributes, 8u);
}

}  // namespace
}  // namespace weft::ingest

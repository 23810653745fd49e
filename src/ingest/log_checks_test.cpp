#include "ingest/log_checks.h"

#include <gtest/gtest.h>

#include "ingest/pipeline.h"

namespace weft::ingest {
namespace {

constexpr std::int64_t kNow = 1'795'168'800'000'000'000;  // 2026-11-20T10:00:00Z
constexpr std::int64_t kHour = 3'600'000'000'000;

struct Request {
  LogBatch batch;
  std::vector<std::uint8_t> discovered;
  Refusals refusals;
  Limits limits;

  void stream(std::vector<Label> labels) {
    batch.streams.push_back({static_cast<std::uint32_t>(batch.labels.size()),
                             static_cast<std::uint32_t>(labels.size()),
                             static_cast<std::uint32_t>(batch.entries.size()), 0});
    batch.labels.insert(batch.labels.end(), labels.begin(), labels.end());
  }
  void entry(std::int64_t time_ns, std::string_view line, std::vector<Label> metadata = {}) {
    LogEntry e;
    e.time_ns = time_ns;
    e.line = line;
    e.metadata_begin = static_cast<std::uint32_t>(batch.metadata.size());
    e.metadata_count = static_cast<std::uint32_t>(metadata.size());
    batch.metadata.insert(batch.metadata.end(), metadata.begin(), metadata.end());
    batch.entries.push_back(e);
    batch.streams.back().entries_count++;
  }
  std::string check(std::vector<std::string> service_labels = {}, Unlabelled unlabelled = Unlabelled::stays) {
    refusals.begin(batch.entries.size());
    normalise_labels(batch, service_labels, unlabelled, discovered);
    check_logs(batch, discovered, {limits, kNow}, refusals);
    return refusals.text();
  }
};

TEST(LogChecks, WordsOfEveryLimit) {
  struct Case {
    Reason reason;
    std::string words;
    std::function<void(Request&)> make;
  };
  const std::string long_line(300'000, 'x');
  const std::string long_name(1025, 'n');
  const std::string long_value(2049, 'v');
  const std::string big(70'000, 'm');
  const Case kCases[] = {
      {Reason::missing_labels, "error at least one label pair is required per stream",
       [](Request& r) {
         r.stream({{"a", ""}});
         r.entry(kNow, "x");
       }},
      {Reason::line_too_long,
       "max entry size '262144' bytes exceeded for stream '{a=\"b\"}' while adding an entry with length "
       "'300000' bytes",
       [&](Request& r) {
         r.stream({{"a", "b"}});
         r.entry(kNow, long_line);
       }},
      {Reason::greater_than_max_sample_age,
       "entry for stream '{a=\"b\"}' has timestamp too old: 2026-11-13T09:59:59Z, oldest acceptable "
       "timestamp is: "
       "2026-11-13T10:00:00Z",
       [](Request& r) {
         r.stream({{"a", "b"}});
         r.entry(kNow - 7 * 24 * kHour - 1, "x");
       }},
      {Reason::greater_than_max_sample_age,
       "entry for stream '{a=\"b\"}' has timestamp too old: 1970-01-01T00:00:00Z, oldest acceptable "
       "timestamp is: "
       "2026-11-13T10:00:00Z",
       [](Request& r) {
         r.stream({{"a", "b"}});
         r.entry(0, "x");
       }},
      {Reason::too_far_in_future, "entry for stream '{a=\"b\"}' has timestamp too new: 2026-11-20T10:10:01Z",
       [](Request& r) {
         r.stream({{"a", "b"}});
         r.entry(kNow + kHour / 6 + 1'000'000'001, "x");
       }},
      {Reason::max_label_names_per_series,
       R"(entry for stream '{a="1", b="2", c="3"}' has 3 label names; limit 2)",
       [](Request& r) {
         r.limits.label_names_per_stream_max = 2;
         r.stream({{"c", "3"}, {"a", "1"}, {"b", "2"}});
         r.entry(kNow, "x");
       }},
      {Reason::label_name_too_long,
       "stream '{" + long_name + "=\"v\"}' has label name too long: '" + long_name + "'",
       [&](Request& r) {
         r.stream({{long_name, "v"}});
         r.entry(kNow, "x");
       }},
      {Reason::label_value_too_long,
       "stream '{a=\"" + long_value + "\"}' has label value too long: '" + long_value + "'",
       [&](Request& r) {
         r.stream({{"a", long_value}});
         r.entry(kNow, "x");
       }},
      {Reason::duplicate_label_names, R"(stream '{a="b", a="c"}' has duplicate label name: 'a')",
       [](Request& r) {
         r.stream({{"a", "c"}, {"a", "b"}});
         r.entry(kNow, "x");
       }},
      {Reason::structured_metadata_too_large,
       "stream '{a=\"b\"}' has structured metadata too large: '70001' bytes, limit: '65536' bytes. Send less "
       "with each "
       "entry, or raise limits_config.max_structured_metadata_size",
       [&](Request& r) {
         r.stream({{"a", "b"}});
         r.entry(kNow, "x", {{"m", big}});
       }},
      {Reason::structured_metadata_too_many,
       "stream '{a=\"b\"}' has too many structured metadata labels: '129', limit: '128'. Send fewer with "
       "each entry, "
       "or raise limits_config.max_structured_metadata_entries_count",
       [](Request& r) {
         r.stream({{"a", "b"}});
         r.entry(kNow, "x", std::vector<Label>(129, Label{"m", "v"}));
       }},
  };
  for (const Case& c : kCases) {
    Request r;
    c.make(r);
    EXPECT_EQ(r.check(), c.words);
    EXPECT_EQ(r.refusals.count_of(c.reason), 1u) << c.words;
  }
}

TEST(LogChecks, EdgesAreWithinTheLimits) {
  Request r;
  std::vector<std::string> names;
  for (int i = 0; i < 15; ++i) names.push_back("n" + std::to_string(i));
  std::vector<Label> labels;
  for (const std::string& n : names) labels.push_back({n, "v"});
  const std::string line(262'144, 'x');
  const std::string name(1024, 'n');
  const std::string value(2048, 'v');
  r.stream(labels);
  r.entry(kNow - 7 * 24 * kHour, line);
  r.entry(kNow + kHour / 6, "");
  r.stream({{name, value}});
  r.entry(kNow, "x", std::vector<Label>(128, Label{"m", "v"}));
  EXPECT_EQ(r.check({"service"}), "");
  EXPECT_EQ(r.batch.streams[0].labels_count, 16u);  // service_name is one more than the limit
}

TEST(LogChecks, ABadEntryDoesNotHurtItsNeighbours) {
  Request r;
  r.stream({{"a", "1"}});
  r.entry(kNow, "kept 1");
  r.entry(0, "old");
  r.entry(1, "old too");
  r.stream({{"a", "1"}, {"a", "2"}});
  r.entry(kNow, "of a bad stream");
  r.stream({{"a", "2"}});
  r.entry(kNow + kHour, "new");
  r.entry(kNow, "kept 2");
  EXPECT_EQ(r.check(),
            "2 errors like: entry for stream '{a=\"1\"}' has timestamp too old: 1970-01-01T00:00:00Z, oldest "
            "acceptable timestamp is: 2026-11-13T10:00:00Z; 1 errors like: stream '{a=\"1\", a=\"2\"}' has "
            "duplicate "
            "label name: 'a'; 1 errors like: entry for stream '{a=\"2\"}' has timestamp too new: "
            "2026-11-20T11:00:00Z");
  remove_refused(r.batch, r.refusals);
  ASSERT_EQ(r.batch.streams.size(), 2u);
  ASSERT_EQ(r.batch.entries.size(), 2u);
  EXPECT_EQ(r.batch.entries[r.batch.streams[0].entries_begin].line, "kept 1");
  EXPECT_EQ(r.batch.entries[r.batch.streams[1].entries_begin].line, "kept 2");
  EXPECT_EQ(r.batch.streams[1].entries_count, 1u);
}

TEST(LogChecks, ConfiguredAwayLimits) {
  Request r;
  r.limits.reject_old_samples = false;
  r.limits.line_bytes_max = 0;
  const std::string line(kLineBytesHardMax, 'x');
  const std::string longer = line + "x";
  r.stream({{"a", "b"}});
  r.entry(0, line);
  r.entry(0, longer);
  EXPECT_EQ(
      r.check(),
      "max entry size '4194304' bytes exceeded for stream '{a=\"b\"}' while adding an entry with length "
      "'4194305' bytes");
}

TEST(LogChecks, ServiceNameByLokisList) {
  const std::vector<std::string> kList = Options().service_name_labels;
  ASSERT_EQ(kList.size(), 13u);
  for (std::size_t i = 0; i < kList.size(); ++i) {
    Request r;
    std::vector<Label> labels = {{"zone", "z"}};
    for (std::size_t k = kList.size(); k-- > i;)
      labels.push_back({kList[k], k == i ? std::string_view("me") : "other"});
    r.stream(labels);
    r.entry(kNow, "x");
    r.limits.label_names_per_stream_max = 20;
    EXPECT_EQ(r.check(kList), "");
    EXPECT_EQ(LabelSet::from(r.batch.labels_of(r.batch.streams[0])).get("service_name"), "me") << kList[i];
  }
}

TEST(LogChecks, ServiceNameThatIsThereOrNotWanted) {
  struct Case {
    std::vector<Label> labels;
    std::vector<std::string> list;
    std::string expected;
  };
  const Case kCases[] = {
      {{{"service_name", "mine"}, {"app", "x"}}, {"app"}, R"({app="x", service_name="mine"})"},
      {{{"zone", "x"}}, {"app"}, R"({service_name="unknown_service", zone="x"})"},
      {{{"zone", "x"}, {"app", ""}}, {"app"}, R"({service_name="unknown_service", zone="x"})"},
      {{{"zone", "x"}, {"app", "y"}}, {}, R"({app="y", zone="x"})"},
  };
  for (const Case& c : kCases) {
    Request r;
    r.stream(c.labels);
    r.entry(kNow, "x");
    EXPECT_EQ(r.check(c.list), "");
    EXPECT_EQ(label_text(r.batch.labels_of(r.batch.streams[0])), c.expected);
  }
}

TEST(LogChecks, AStreamWithoutLabelsIsNamedWhenItCameByOtlp) {
  for (auto [unlabelled, labels] : std::vector<std::pair<Unlabelled, std::string>>{
           {Unlabelled::stays, "{}"},
           {Unlabelled::gets_service_name, R"({service_name="unknown_service"})"}}) {
    Request r;
    r.stream({});
    r.entry(kNow, "x");
    EXPECT_EQ(r.check({"app"}, unlabelled).empty(), unlabelled == Unlabelled::gets_service_name);
    EXPECT_EQ(label_text(r.batch.labels_of(r.batch.streams[0])), labels);
  }
}

}  // namespace
}  // namespace weft::ingest

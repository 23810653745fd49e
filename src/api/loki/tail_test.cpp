// Live tail over real sockets. Clients push from within their message callbacks, so that nothing
// here waits for a time.

#include <map>
#include <thread>

#include "api/testing/api_fixture.h"

namespace weft::api {
namespace {

class LiveTail : public Api {
 protected:
  static inline const std::string kTail = "/loki/api/v1/tail?query=%7Bapp%3D%22api%22%7D";

  // Follows until `on_message` returns false or the server ends it. Returns how it ended.
  Result<void> follow(const std::string& path, const std::function<bool(std::string_view)>& on_message,
                      const net::Headers& headers = {}) {
    net::Client client;
    return client.websocket(base_ + path, headers, on_message);
  }

  static bool has(std::string_view message, std::string_view text) {
    return message.find(text) != std::string_view::npos;
  }

  std::uint64_t dropped() {
    return metrics_
        .counter("weft_tail_dropped_rows_total",
                 "Log lines that live tails did not get because too much waited.")
        .value();
  }
};

TEST_F(LiveTail, OldRowsThenNewOnes) {
  push_log("old");
  std::vector<std::string> messages;
  auto ended = follow(kTail, [&](std::string_view message) {
    messages.emplace_back(message);
    if (messages.size() == 1) push_log("new");
    return messages.size() < 2;
  });
  ASSERT_TRUE(ended) << ended.error().message();
  std::string time = std::to_string(kNow - 1000);
  auto expected = [&](const std::string& line) {
    return R"({"streams":[{"stream":{"app":"api","detected_level":"unknown","service_name":"api"},"values":[[")" +
           time + R"(",")" + line + R"("]]}]})";
  };
  EXPECT_EQ(messages[0], expected("old"));
  EXPECT_EQ(messages[1], expected("new"));
}

TEST_F(LiveTail, TheQueryIsApplied) {
  push_log("first keep");
  int count = 0;
  auto ended = follow(kTail + "%20%7C%3D%20%22keep%22", [&](std::string_view message) {
    EXPECT_FALSE(has(message, "skip"));
    if (++count == 1) {
      push_log("skip");
      push_log("second keep");
    }
    return !has(message, "second keep");
  });
  EXPECT_TRUE(ended);
  EXPECT_EQ(count, 2);
}

TEST_F(LiveTail, CategoriesWhenAskedFor) {
  push_log("level=error hello");
  auto ended = follow(
      kTail,
      [&](std::string_view message) {
        EXPECT_TRUE(has(message, R"({"structuredMetadata":{"detected_level":"error"}}]]}])")) << message;
        EXPECT_TRUE(has(message, R"("encodingFlags":["categorize-labels"])"));
        return false;
      },
      {{"x-loki-response-encoding-flags", "categorize-labels"}});
  EXPECT_TRUE(ended);
}

TEST_F(LiveTail, OnlyTheNewestOldRows) {
  for (int i = 0; i < 5; ++i) push_log("old" + std::to_string(i));
  auto ended = follow(kTail + "&limit=2", [&](std::string_view message) {
    EXPECT_FALSE(has(message, "old2")) << message;
    EXPECT_LT(message.find("old3"), message.find("old4")) << message;  // oldest first
    return false;
  });
  EXPECT_TRUE(ended);
}

// Rows that are pushed while a tail begins come once, be it as old rows or as new ones.
TEST_F(LiveTail, NothingIsLostOrDoubledAtTheSeam) {
  constexpr int kRows = 300;
  std::jthread pusher([&] {
    net::Client client;
    for (int i = 0; i < kRows; ++i) {
      net::ClientRequest request;
      request.method = "POST";
      request.url = base_ + "/loki/api/v1/push";
      request.headers = {{"content-type", "application/json"}};
      request.body = R"({"streams":[{"stream":{"app":"api"},"values":[[")" + std::to_string(kNow - 1000) +
                     R"(","row)" + std::to_string(i) + R"(."]]}]})";
      auto response = client.send(request);
      EXPECT_TRUE(response && response->status == 204);
    }
  });
  for (int round = 0; round < 3; ++round) {
    std::map<std::string, int> seen;
    auto ended = follow(kTail + "&limit=5000", [&](std::string_view message) {
      for (std::size_t at = 0; (at = message.find("\"row", at)) != std::string_view::npos; ++at)
        ++seen[std::string(message.substr(at + 1, message.find('.', at) - at - 1))];
      return seen.size() < kRows;
    });
    ASSERT_TRUE(ended) << ended.error().message();
    for (const auto& [row, times] : seen) EXPECT_EQ(times, 1) << row;
  }
}

TEST_F(LiveTail, ASlowReaderIsToldWhatItMissed) {
  push_log("old");
  int messages = 0;
  std::string large(200'000, 'x');
  auto ended = follow(kTail, [&](std::string_view message) {
    if (++messages == 1)
      while (dropped() == 0) push_log(large);  // and reads nothing meanwhile
    if (!has(message, "dropped_entries")) {
      if (messages > 1) push_log("small");
      return true;
    }
    EXPECT_TRUE(has(message, R"("dropped_entries":[{"labels":{"app":"api")"));
    EXPECT_TRUE(has(message, R"("timestamp":")" + std::to_string(kNow - 1000) + "\""));
    return false;
  });
  EXPECT_TRUE(ended);
  EXPECT_GT(dropped(), 0u);
}

TEST_F(LiveTail, DelayHoldsRowsBack) {
  push_log("old");
  std::int64_t pushed_ns = 0;
  auto ended = follow(kTail + "&delay_for=1", [&](std::string_view message) {
    if (has(message, "new")) return false;
    pushed_ns = steady_ns();
    push_log("new");
    return true;
  });
  EXPECT_TRUE(ended);
  EXPECT_GE(steady_ns() - pushed_ns, 1'000'000'000);
}

TEST_F(LiveTail, TooManyAtOnce) {
  limits_.tails_max = 1;
  start(false);
  push_log("old");
  auto ended = follow(kTail, [&](std::string_view) {
    auto second = follow(kTail, [](std::string_view) { return true; });
    EXPECT_FALSE(second);
    if (!second)
      EXPECT_EQ(second.error().message(),
                "max concurrent tail requests limit exceeded, count > limit (2 > 1)");
    return false;
  });
  EXPECT_TRUE(ended);
}

TEST_F(LiveTail, EndsAtTheLongestDuration) {
  limits_.tail_duration_max_ns = 1;
  start(false);
  auto ended = follow(kTail, [](std::string_view) { return true; });
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().message(), "reached tail max duration limit");
}

TEST_F(LiveTail, TenantsHearOnlyTheirOwn) {
  start(true);
  net::Headers a = {{"x-scope-orgid", "a"}}, b = {{"x-scope-orgid", "b"}};
  push_log("old", a);
  auto ended = follow(
      kTail,
      [&](std::string_view message) {
        EXPECT_FALSE(has(message, "secret"));
        if (has(message, "old")) {
          push_log("secret", b);
          push_log("last", a);
        }
        return !has(message, "last");
      },
      a);
  EXPECT_TRUE(ended);
  EXPECT_EQ(get(kTail).status, 401);
  EXPECT_EQ(get(kTail, {{"x-scope-orgid", "a|b"}}).status, 400);
}

TEST_F(LiveTail, RefusedBeforeTheUpgrade) {
  const struct {
    std::string query;
    std::string_view words;
  } cases[] = {
      {"query=%7Bapp", "parse error at line 1, col 5"},
      {"query=rate(%7Bapp%3D%22api%22%7D%5B1m%5D)", "only log queries can be followed"},
      {"query=%7Bapp%3D%22api%22%7D&delay_for=6", "delay_for must be between 0 and 5 seconds, not 6"},
      {"query=%7Bapp%3D%22api%22%7D&limit=0", "limit must be a positive value"},
      {"query=%7Bapp%3D%22api%22%7D&start=x", "could not parse 'start' parameter"},
  };
  for (const auto& c : cases) {
    auto r = get("/loki/api/v1/tail?" + c.query);
    EXPECT_EQ(r.status, 400) << c.query;
    EXPECT_TRUE(r.body.starts_with(c.words)) << r.body;
  }
  EXPECT_EQ(get(kTail).status, 400);  // no upgrade
  EXPECT_EQ(get("/api/prom/tail?query=%7Bapp%3D%22api%22%7D").status, 400);
}

}  // namespace
}  // namespace weft::api

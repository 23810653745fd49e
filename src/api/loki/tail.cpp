// Live tail (reference/loki.md §2.8): a query's newest rows and then every row as it is acknowledged.

#include <algorithm>
#include <atomic>
#include <deque>
#include <limits>
#include <unordered_map>

#include "api/loki/loki.h"
#include "api/loki/render.h"
#include "api/loki/request.h"
#include "api/loki/tailed_snapshot.h"
#include "base/hash.h"
#include "text/json_writer.h"

namespace weft::api {
namespace {

constexpr int kInternalError = 1011;  // the close code with which Loki ends a tail
constexpr std::int64_t kDelaySecondsMax = 5;
constexpr std::size_t kMessageBytes = 512 * 1024;  // then a new message begins
constexpr std::size_t kDroppedMax = 500;           // named to the client; more are only counted

// How one client follows.
struct Wish {
  logql::Query query;
  logql::Params params;
  std::int64_t delay_ns = 0;
  Limits limits;
};

// Equal for entries that look the same to the client.
std::uint64_t hash_of(const logql::OwnedLabels& stream, const logql::Entry& entry) {
  std::uint64_t h = hash64(entry.line, static_cast<std::uint64_t>(entry.time_ns));
  for (const auto* labels : {&stream, &entry.metadata, &entry.parsed}) {
    h = hash_combine(h, labels->size());
    for (const auto& [name, value] : *labels) h = hash_combine(hash_combine(h, hash64(name)), hash64(value));
  }
  return h;
}

// One WebSocket. receive() runs on the tail's thread, begin() on a worker, once.
class Tailer final : public ingest::Follower {
 public:
  Tailer(Wish wish, std::shared_ptr<net::WebSocket> socket, const Clock& clock, Counter& dropped_rows)
      : wish_(std::move(wish)),
        matchers_(wish_.query.selectors().front()),
        socket_(std::move(socket)),
        clock_(clock),
        dropped_rows_(dropped_rows),
        started_ns_(steady_ns()) {}

  bool gone() const override { return socket_->closed(); }

  bool receive(std::span<const ingest::TailedRowsPointer> rows,
               std::span<const ingest::LostRows> lost) override {
    if (gone()) return false;
    std::int64_t now_ns = steady_ns();
    std::int64_t longest_ns = wish_.limits.tail_duration_max_ns;
    if (longest_ns > 0 && now_ns - started_ns_ > longest_ns) return end("reached tail max duration limit");
    for (const auto& push : rows) waiting_.push_back({now_ns, push});
    for (const auto& l : lost)
      if (lost_.size() < kDroppedMax && selected(l.labels)) lost_.push_back(l);
    if (!begun_.load(std::memory_order_acquire)) return true;

    for (const auto& l : lost_) note_dropped(l.labels, l.time_ns);
    lost_.clear();
    std::vector<ingest::TailedRowsPointer> before, after;  // the snapshot's time
    for (; !waiting_.empty() && waiting_.front().arrived_ns + wish_.delay_ns <= now_ns; waiting_.pop_front()) {
      auto& to = waiting_.front().rows->sequence <= snapshot_sequence_ ? before : after;
      to.push_back(std::move(waiting_.front().rows));
    }
    auto result = show(std::move(before), &shown_);
    if (result) result = show(std::move(after), nullptr);
    if (!result) return end(result.error().message());
    if (!dropped_.empty()) send({});
    return true;
  }

  // Sends what was there before: `streams` of a snapshot, taken before `sequence` was read, oldest
  // first. From then on receive() sends.
  void begin(const logql::Streams& streams, std::uint64_t sequence) {
    send(streams);
    for (const auto& s : streams.streams)
      for (const auto& e : s.entries) ++shown_[hash_of(s.labels, e)];
    snapshot_sequence_ = sequence;
    begun_.store(true, std::memory_order_release);
  }

 private:
  struct Waiting {
    std::int64_t arrived_ns;
    ingest::TailedRowsPointer rows;
  };
  using Shown = std::unordered_map<std::uint64_t, std::size_t>;  // how often, by hash_of

  bool end(std::string_view reason) {
    socket_->close(kInternalError, reason);
    return false;
  }

  bool selected(const LabelSet& labels) const {
    return std::ranges::all_of(matchers_,
                               [&](const auto& m) { return m.matcher.matches(labels.get(m.name)); });
  }

  // Sends the entries of some pushes, but each one that `shown` has, once less.
  Result<void> show(std::vector<ingest::TailedRowsPointer> pushes, Shown* shown) {
    if (pushes.empty()) return {};
    loki::TailedSnapshot rows(std::move(pushes));
    logql::Params params = wish_.params;
    params.start_ns = std::numeric_limits<std::int64_t>::min();
    params.end_ns = std::numeric_limits<std::int64_t>::max();
    params.now_ns = clock_.now_ns();
    params.order = storage::Order::forward;
    params.limit = rows.rows();
    exec::Context context(query_bounds(wish_.limits, [this] { return gone(); }));
    auto answer = TRY(logql::evaluate(wish_.query, params, rows, context));
    auto& streams = std::get<logql::Streams>(answer.data);
    if (shown != nullptr) {
      for (auto& s : streams.streams)
        std::erase_if(s.entries, [&](const logql::Entry& e) {
          auto found = shown->find(hash_of(s.labels, e));
          if (found == shown->end()) return false;
          if (--found->second == 0) shown->erase(found);
          return true;
        });
      std::erase_if(streams.streams, [](const auto& s) { return s.entries.empty(); });
    }
    if (!streams.streams.empty()) send(streams);
    return {};
  }

  // In messages of a bearable size. What the client is too slow to take is dropped, and it is told.
  void send(const logql::Streams& streams) {
    std::string streams_json;
    std::vector<std::pair<const logql::ResultStream*, std::size_t>> inside;  // entries of the message
    auto flush = [&] {
      if (!send_message(streams_json))
        for (const auto& [stream, index] : inside) drop(*stream, stream->entries[index]);
      streams_json.clear();
      inside.clear();
    };
    for (const auto& s : streams.streams) {
      bool open = false;
      for (std::size_t i = 0; i < s.entries.size(); ++i) {
        if (!open) {
          if (!streams_json.empty()) streams_json += ',';
          streams_json += "{\"stream\":";
          loki::append_labels(streams_json, s.labels);
          streams_json += ",\"values\":[";
        } else {
          streams_json += ',';
        }
        open = true;
        loki::append_entry(streams_json, s.entries[i], wish_.params.categorize_labels);
        inside.emplace_back(&s, i);
        if (i + 1 < s.entries.size() && streams_json.size() < kMessageBytes) continue;
        streams_json += "]}";
        open = false;
        if (streams_json.size() >= kMessageBytes) flush();
      }
    }
    if (!inside.empty() || (streams.streams.empty() && !dropped_.empty())) flush();
  }

  bool send_message(std::string_view streams_json) {
    std::string message = "{\"streams\":[";
    message += streams_json;
    message += ']';
    if (!dropped_.empty()) {
      message += ",\"dropped_entries\":[";
      for (const auto& [labels, time_ns] : dropped_) {
        if (message.back() != '[') message += ',';
        message += "{\"labels\":";
        loki::append_labels(message, labels);
        message += ",\"timestamp\":\"" + std::to_string(time_ns) + "\"}";
      }
      message += ']';
    }
    if (wish_.params.categorize_labels) message += ",\"encodingFlags\":[\"categorize-labels\"]";
    message += '}';
    if (!socket_->send_text(std::move(message))) return false;
    dropped_.clear();
    return true;
  }

  void drop(const logql::ResultStream& stream, const logql::Entry& entry) {
    dropped_rows_.add(1);
    if (dropped_.size() < kDroppedMax) dropped_.emplace_back(stream.labels, entry.time_ns);
  }
  void note_dropped(const LabelSet& labels, std::int64_t time_ns) {
    if (dropped_.size() >= kDroppedMax) return;
    logql::OwnedLabels owned;
    for (const Label& l : labels.labels()) owned.emplace_back(l.name, l.value);
    dropped_.emplace_back(std::move(owned), time_ns);
  }

  const Wish wish_;
  const std::vector<exec::LabelMatcher> matchers_;
  const std::shared_ptr<net::WebSocket> socket_;
  const Clock& clock_;
  Counter& dropped_rows_;
  const std::int64_t started_ns_;

  // The tail's thread alone.
  std::deque<Waiting> waiting_;
  std::vector<ingest::LostRows> lost_;

  // begin()'s until it sets begun_, then the tail's thread's.
  std::atomic<bool> begun_{false};
  std::uint64_t snapshot_sequence_ = 0;
  Shown shown_;
  std::vector<std::pair<logql::OwnedLabels, std::int64_t>> dropped_;  // to tell the client
};

Result<Wish> wish_of(const Call& call) {
  Parameters parameters(call.request);
  const Limits& limits = call.services.limits;
  auto query = TRY(logql::Query::parse(parameters.get("query")));
  if (!query.is_log_query())
    return Error(Code::invalid_argument,
                 "only log queries can be followed, and this one makes samples: " + query.to_string());
  Wish wish{query, {}, 0, limits};
  std::int64_t delay = TRY(parameters.integer("delay_for", 0, "Atoi"));
  if (delay < 0 || delay > kDelaySecondsMax)
    return Error(Code::invalid_argument, "delay_for must be between 0 and " + std::to_string(kDelaySecondsMax) +
                                             " seconds, not " + std::to_string(delay));
  wish.delay_ns = delay * kNsPerSecond;
  TimeRange range = TRY(loki::time_range(parameters, call.services.clock.now_ns()));
  wish.params.tenant = call.tenant;
  wish.params.start_ns = range.start_ns;
  // What came in is shown, even if its sender's clock is fast.
  wish.params.end_ns = std::numeric_limits<std::int64_t>::max();
  wish.params.now_ns = call.services.clock.now_ns();
  wish.params.limit = TRY(loki::entries_limit(parameters, limits));
  wish.params.order = storage::Order::backward;
  wish.params.categorize_labels = loki::wants_categories(call.request);
  return wish;
}

// On a worker, once the socket is there.
Result<void> start(const Services& services, const Wish& wish, const std::shared_ptr<net::WebSocket>& socket) {
  Counter& dropped_rows = services.metrics.counter(
      "weft_tail_dropped_rows_total", "Log lines that live tails did not get because too much waited.");
  auto tailer = std::make_shared<Tailer>(wish, socket, services.clock, dropped_rows);
  auto& tail = services.ingest.tail();
  auto gone = [socket] { return socket->closed(); };
  TRY(tail.follow(wish.params.tenant, tailer, wish.limits.tails_max, gone));
  auto snapshot = services.store.snapshot();
  std::uint64_t sequence = tail.sequence();
  exec::Context context(query_bounds(wish.limits, gone));
  auto answer = TRY(logql::evaluate(wish.query, wish.params, *snapshot, context));
  auto& streams = std::get<logql::Streams>(answer.data);
  for (auto& s : streams.streams) std::ranges::reverse(s.entries);
  tailer->begin(streams, sequence);
  return {};
}

}  // namespace

void loki_tail(Call& call) {
  auto wish = wish_of(call);
  if (!wish) return send_error(call.responder, wish.error());
  call.responder.upgrade([&services = call.services,
                          wish = std::move(*wish)](const std::shared_ptr<net::WebSocket>& socket) {
    if (auto started = start(services, wish, socket); !started)
      socket->close(kInternalError, started.error().message());
  });
}

}  // namespace weft::api

#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "storage/manifest/encoding.h"
#include "storage/manifest/manifest_store.h"
#include "storage/testing/memory_objects.h"

// A model checker for commit, merge, garbage collection and retention.
//
// Actors, each a process with its own ManifestStore, run the real code on one object store. Each is a
// thread that stops before every operation of the store; a scheduler lets one of them go on at a time
// and says what happens to it: the operation works, fails, works but its answer is lost, or the
// process dies before or after it and starts again from nothing. Time jumps too. So a run is a list
// of choices. Two ways to make such lists: every one with at most k deviations from "nobody is
// interrupted, nothing fails", and random ones.
//
// After every change of the store the rows are counted (World::check): the blocks that a manifest
// lists exist, and hold exactly the rows of the log up to its watermark, each once.

namespace weft::storage {
namespace {

using Fault = MemoryObjects::Fault;
using Operation = MemoryObjects::Operation;

constexpr std::int64_t kHour = 3600 * kNsPerSecond;
constexpr std::int64_t kStart = 20'010 * 24 * kHour;

// --- what happened in the world ---

struct Row {
  Lsn lsn;
  Partition partition;
};
const Partition kFirst{Signal::logs, 20'000};
const Partition kSecond{Signal::logs, 20'001};
// The log of the only node; whoever flushes knows all of it.
const std::array<Row, 5> kLog{Row{1, kFirst}, Row{2, kSecond}, Row{3, kFirst}, Row{4, kFirst},
                              Row{5, kFirst}};
// Where the heads are sealed. Who takes over seals them elsewhere.
using Seals = std::array<Lsn, 2>;
constexpr Seals kSeals{3, 5};
constexpr Seals kOtherSeals{4, 5};
constexpr std::string_view kNode = "n";

std::vector<Lsn> rows_of(Partition partition, Lsn from, Lsn to) {
  std::vector<Lsn> rows;
  for (const Row& row : kLog)
    if (row.partition == partition && row.lsn > from && row.lsn <= to) rows.push_back(row.lsn);
  return rows;
}

// The model's block: its rows as text.
std::string block_bytes(const std::vector<Lsn>& rows) {
  std::string out;
  for (Lsn row : rows) out += std::to_string(row) + "\n";
  return out;
}

std::vector<Lsn> rows_in(std::string_view bytes) {
  std::vector<Lsn> rows;
  for (; !bytes.empty(); bytes.remove_prefix(bytes.find('\n') + 1)) rows.push_back(bytes[0] - '0');
  return rows;
}

Block describe_block(BlockId id, const std::vector<Lsn>& rows) {
  Block block;
  block.id = id;
  block.size = block_bytes(rows).size();
  block.rows = rows.size();
  block.first_ns = kFirst.range().start_ns;
  block.last_ns = block.first_ns;
  block.hash = hash64(block_bytes(rows));
  return block;
}

struct World {
  MemoryObjects objects;
  Registry metrics;
  std::uint64_t epochs = 0;  // handed out to lives of the node; never twice
  std::map<std::string, std::uint64_t> versions;
  std::vector<std::string> violations;

  World() {
    objects.set_now(kStart);
    objects.changed = [this](const MemoryObjects::Objects& stored) { check(stored); };
  }

  void violation(std::string what) { violations.push_back(std::move(what)); }

  // Called after every change, by the store, under its lock.
  void check(const MemoryObjects::Objects& stored) {
    for (const auto& [key, object] : stored) {
      auto partition = parse_manifest_key(key);
      if (!partition) continue;
      auto manifest = decode_manifest(object.bytes, *partition);
      if (!manifest) return violation(key + ": " + manifest.error().message());
      // Nobody's change is lost: each is built on the one before.
      std::uint64_t& version = versions[key];
      if (manifest->version != version && manifest->version != version + 1)
        violation(key + " jumps from version " + std::to_string(version) + " to " +
                  std::to_string(manifest->version));
      version = manifest->version;
      std::vector<Lsn> found;
      for (const Block& block : manifest->blocks) {
        auto at = stored.find(block_key(*partition, block.id));
        if (at == stored.end()) {
          violation("listed block " + to_hex(block.id) + " has no object");
          continue;
        }
        if (hash64(at->second.bytes) != block.hash) violation("listed block is another object");
        for (Lsn row : rows_in(at->second.bytes)) found.push_back(row);
      }
      std::ranges::sort(found);
      if (manifest->state == Manifest::State::open &&
          found != rows_of(*partition, 0, manifest->watermark(kNode)))
        violation(key + ": rows are not those up to the watermark " +
                  std::to_string(manifest->watermark(kNode)) + ": " + block_bytes(found));
    }
  }

  // What one was told has to be so.
  void check_told(Partition partition, const FlushResult& result, Lsn to) {
    auto stored = objects.objects();
    auto at = stored.find(manifest_key(partition));
    if (at == stored.end()) {
      if (result.outcome != FlushOutcome::expired) violation("told of a commit that is not there");
      return;
    }
    auto manifest = decode_manifest(at->second.bytes, partition);
    bool expired = manifest && manifest->state == Manifest::State::expired;
    if (!expired && (!manifest || manifest->watermark(kNode) < to))
      violation("told of a commit that is not there");
  }
};

// --- the actors ---

ManifestOptions options_of(std::uint64_t seed) {
  ManifestOptions options;
  options.node = kNode;
  options.seed = seed + 1;
  options.pause = [](std::int64_t) {};
  return options;
}

constexpr int kAttempts = 6;  // faults are bounded, so this is more than enough

// Makes every row of the log part of a block, as a node that starts (again) does. Two of them at a
// time are a node that was given up but lives, and the one that took over from it.
Result<void> flush_everything(World& world, const Seals& seals = kSeals) {
  const Author author{std::string(kNode), ++world.epochs};
  ManifestStore manifests(world.objects, options_of(author.epoch), world.metrics);
  TRY(manifests.load());
  for (Lsn to : seals)
    for (Partition partition : {kFirst, kSecond}) {
      Lsn from = manifests.view()->watermark(partition, kNode);
      std::uint32_t written = 0;
      for (bool done = from >= to; !done;) {
        std::vector<Lsn> rows = rows_of(partition, from, to);
        Flush flush{.from = from, .to = to};
        std::int64_t begun_ns = world.objects.now_ns();
        if (!rows.empty()) {
          BlockId id = flushed_block_id(author, partition, from, to, written++);
          auto writer = TRY(world.objects.create(block_key(partition, id)));
          TRY(writer->append(block_bytes(rows)));
          TRY(writer->finish());
          flush.blocks.push_back(describe_block(id, rows));
        }
        auto result = manifests.commit_flush(partition, flush, begun_ns);
        if (!result && result.error().code() == Code::deadline_exceeded) continue;  // write it again
        if (!result) return result.error();
        if (result->outcome == FlushOutcome::rebuild) {
          from = result->watermark;
          continue;
        }
        world.check_told(partition, *result, to);
        done = true;
      }
    }
  return {};
}

// Merges all blocks of the first partition into one, if there are several.
Result<void> merge_all(World& world) {
  const Author author{"merger", ++world.epochs};
  ManifestStore manifests(world.objects, options_of(author.epoch), world.metrics);
  TRY(manifests.load());
  auto view = manifests.view();
  Merge merge;
  std::vector<Lsn> rows;
  std::int64_t begun_ns = world.objects.now_ns();
  for (const ListedBlock& listed : view->blocks(Signal::logs, kFirst.range())) {
    if (listed.partition != kFirst) continue;
    merge.remove.push_back(listed.block->id);
    auto object = static_cast<ObjectStore&>(world.objects).get(block_key(kFirst, listed.block->id));
    // Merged and collected by others, while we slept longer than the grace time.
    if (!object && object.error().code() == Code::not_found) return {};
    if (!object) return object.error();
    for (Lsn row : rows_in(object->bytes)) rows.push_back(row);
  }
  if (merge.remove.size() < 2) return {};
  BlockId id = merged_block_id(author, kFirst, merge.remove);
  auto writer = TRY(world.objects.create(block_key(kFirst, id)));
  TRY(writer->append(block_bytes(rows)));
  TRY(writer->finish());
  merge.add.push_back(describe_block(id, rows));
  auto outcome = manifests.commit_merge(kFirst, merge, begun_ns);
  if (!outcome && outcome.error().code() == Code::deadline_exceeded) return {};
  if (!outcome) return outcome.error();
  return {};
}

Result<void> collect(World& world, ManifestStore& manifests) {
  TRY(manifests.load());
  TRY(manifests.collect_garbage());
  for (const ObjectInfo& object : TRY(manifests.orphans())) TRY(world.objects.remove(object.key));
  return {};
}

// Reads every block of a view, in the process that collects.
Result<void> read_all(World& world, ManifestStore& manifests) {
  auto view = manifests.view();
  for (const ListedBlock& listed : view->blocks(Signal::logs, {0, kStart})) {
    auto object = static_cast<ObjectStore&>(world.objects).get(block_key(listed.partition, listed.block->id));
    if (!object && object.error().code() == Code::not_found)
      world.violation("a block went while it was read");
    if (!object) return object.error();
  }
  return {};
}

Result<void> retain(World& world) {
  ManifestStore manifests(world.objects, options_of(++world.epochs), world.metrics);
  TRY(manifests.load());
  // Takes the older of the two days.
  TRY(manifests.expire(Signal::logs, kStart - kFirst.range().end_ns));
  return {};
}

// --- the scheduler ---

// What the next step is: who goes on, and how. 0 is always "the same one, and all is well".
class Choices {
 public:
  virtual ~Choices() = default;
  virtual std::size_t choose(std::size_t count) = 0;
};

class RandomChoices final : public Choices {
 public:
  explicit RandomChoices(std::uint64_t seed) : random_(seed), rarity_(2 + seed % 9) {}
  std::size_t choose(std::size_t count) override { return random_() % rarity_ != 0 ? 0 : random_() % count; }

 private:
  std::mt19937_64 random_;
  std::uint64_t rarity_;
};

// Every list with at most `deviations_max` choices other than 0, in the order of a depth-first walk.
class EveryChoice final : public Choices {
 public:
  explicit EveryChoice(std::size_t deviations_max) : deviations_max_(deviations_max) {}
  std::size_t choose(std::size_t count) override {
    if (at_ == path_.size()) path_.push_back({0, count});
    Step& step = path_[at_++];
    step.count = count;
    return step.chosen;
  }
  // Prepares the next list; false: there was none.
  bool next() {
    at_ = 0;
    while (!path_.empty()) {
      std::size_t before = 0;
      for (std::size_t i = 0; i + 1 < path_.size(); ++i) before += path_[i].chosen != 0 ? 1 : 0;
      Step& last = path_.back();
      if (before < deviations_max_ && last.chosen + 1 < last.count) {
        ++last.chosen;
        return true;
      }
      path_.pop_back();
    }
    return false;
  }

 private:
  struct Step {
    std::size_t chosen;
    std::size_t count;
  };
  const std::size_t deviations_max_;
  std::vector<Step> path_;
  std::size_t at_ = 0;
};

using Program = std::function<Result<void>(World&)>;

class Simulation {
 public:
  // Which faults and jumps of time may occur, and how many of them.
  struct Bounds {
    std::size_t crashes_max = 2;
    std::size_t faults_max = 3;
    std::size_t jumps_max = 3;
  };

  Simulation(World& world, Choices& choices, Bounds bounds)
      : world_(world), choices_(choices), bounds_(bounds) {
    world_.objects.before = [this](Operation operation, const std::string&) { return park(operation); };
  }

  void add(Program program) {
    actors_.push_back(std::make_unique<Actor>());
    actors_.back()->program = std::move(program);
  }

  // Until every actor has come to its end.
  void run() {
    std::vector<std::jthread> threads;
    for (const auto& actor : actors_) {
      threads.emplace_back([this, &actor = *actor] { live(actor); });
      std::unique_lock lock(mutex_);
      actor->woken.wait(lock, [&] { return actor->state != Actor::State::running; });
    }
    {
      std::lock_guard lock(mutex_);
      started_ = true;
      advance();
    }
    threads.clear();
    world_.objects.before = nullptr;
  }

 private:
  struct Actor {
    Program program;
    enum class State : std::uint8_t { running, parked, ended } state = State::running;
    Operation operation = Operation::get;
    Fault fate = Fault::none;
    std::condition_variable woken;
  };

  // On an actor's thread: its lives, until one comes to its end without dying.
  void live(Actor& actor) {
    self_ = &actor;
    bool ended = false;
    for (int attempt = 0; !ended && attempt < kAttempts; ++attempt) {
      try {
        ended = static_cast<bool>(actor.program(world_));
      } catch (const MemoryObjects::Crash&) {
        // Its memory is gone; it starts again.
      }
    }
    std::lock_guard lock(mutex_);
    if (!ended) world_.violation("an actor does not come to its end");
    stop_as(actor, Actor::State::ended);
  }

  Fault park(Operation operation) {
    Actor& actor = *self_;
    std::unique_lock lock(mutex_);
    actor.operation = operation;
    stop_as(actor, Actor::State::parked);
    actor.woken.wait(lock, [&] { return actor.state == Actor::State::running; });
    return actor.fate;
  }

  // The rest requires mutex_. Who stops lets the next one go: often that is itself, and no thread
  // has to wake another.
  void stop_as(Actor& actor, Actor::State state) {
    actor.state = state;
    if (started_)
      advance();
    else
      actor.woken.notify_all();  // run() waits
  }

  // One actor goes on, if there is one.
  void advance() {
    std::vector<std::size_t> alive;  // from the current one on
    for (std::size_t i = 0; i < actors_.size(); ++i) {
      std::size_t who = (current_ + i) % actors_.size();
      if (actors_[who]->state == Actor::State::parked) alive.push_back(who);
    }
    if (alive.empty()) return;
    std::vector<Fault> fates{Fault::none};
    if (bounds_.faults_max > faults_) {
      fates.push_back(Fault::unavailable);
      fates.push_back(Fault::lost_answer);
    }
    if (bounds_.crashes_max > crashes_) {
      fates.push_back(Fault::crash_before);
      fates.push_back(Fault::crash_after);
    }
    std::size_t choice = 0;
    for (;;) {
      // One request does not take half a day: no jump while a swap is on its way.
      bool may_jump = bounds_.jumps_max > jumps_ && std::ranges::none_of(alive, [&](std::size_t who) {
                        return actors_[who]->operation == Operation::swap;
                      });
      const std::size_t others = alive.size() - 1;
      choice = choices_.choose(fates.size() + others + (may_jump ? 1 : 0));
      if (choice < fates.size() + others) break;
      world_.objects.set_now(world_.objects.now_ns() + 25 * kHour);
      ++jumps_;
    }
    const bool switches = choice >= fates.size();
    current_ = switches ? alive[choice - fates.size() + 1] : alive[0];
    Actor& actor = *actors_[current_];
    actor.fate = switches ? Fault::none : fates[choice];
    if (actor.fate == Fault::crash_before || actor.fate == Fault::crash_after) ++crashes_;
    if (actor.fate == Fault::unavailable || actor.fate == Fault::lost_answer) ++faults_;
    actor.state = Actor::State::running;
    actor.woken.notify_all();
  }

  static thread_local Actor* self_;
  World& world_;
  Choices& choices_;
  const Bounds bounds_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Actor>> actors_;
  std::size_t current_ = 0;
  std::size_t crashes_ = 0, faults_ = 0, jumps_ = 0;
  bool started_ = false;
};

thread_local Simulation::Actor* Simulation::self_ = nullptr;

// After the storm: who starts now finds everything, and nothing is left behind.
void settle(World& world, bool retained) {
  auto flushed = flush_everything(world);
  if (!flushed) world.violation("recovery: " + flushed.error().message());
  ManifestStore manifests(world.objects, options_of(++world.epochs), world.metrics);
  for (int day = 0; day < 2; ++day) {
    world.objects.set_now(world.objects.now_ns() + 25 * kHour);
    auto collected = collect(world, manifests);
    if (!collected) world.violation("collecting: " + collected.error().message());
  }
  std::set<std::string> listed;
  for (const Manifest* manifest : manifests.view()->all()) {
    for (const Block& block : manifest->blocks) listed.insert(block_key(manifest->partition, block.id));
    if (!manifest->retired.empty()) world.violation("retired blocks are left");
    if (manifest->state == Manifest::State::open && manifest->watermark(kNode) != kLog.back().lsn)
      world.violation("rows are not flushed");
    if (manifest->state == Manifest::State::expired && !retained) world.violation("expired by nobody");
  }
  std::set<std::string> there;
  for (const auto& [key, object] : world.objects.objects())
    if (key.starts_with(kBlockPrefix)) there.insert(key);
  if (there != listed) world.violation("objects and lists differ at the end");
}

// --- the tests ---

// Two nodes that flush the same log, and who merges.
void two_writers_and_a_merger(World& world, Choices& choices) {
  Simulation simulation(world, choices, {.crashes_max = 1, .faults_max = 1});
  simulation.add([](World& w) { return flush_everything(w); });
  simulation.add([](World& w) { return flush_everything(w, kOtherSeals); });
  simulation.add(merge_all);
  simulation.run();
  settle(world, false);
}

void merger_collector_and_reader(World& world, Choices& choices) {
  ASSERT_TRUE(flush_everything(world));
  ManifestStore reading(world.objects, options_of(++world.epochs), world.metrics);
  ASSERT_TRUE(reading.load());
  Simulation simulation(world, choices, {.crashes_max = 1, .faults_max = 1});
  simulation.add(merge_all);
  simulation.add([&](World& w) { return collect(w, reading); });
  simulation.add([&](World& w) { return read_all(w, reading); });
  simulation.run();
  settle(world, false);
}

void everybody(World& world, Choices& choices, bool with_retention) {
  ManifestStore reading(world.objects, options_of(++world.epochs), world.metrics);
  Simulation simulation(world, choices, {});
  simulation.add([](World& w) { return flush_everything(w); });
  simulation.add([](World& w) { return flush_everything(w, kOtherSeals); });
  simulation.add(merge_all);
  simulation.add(merge_all);
  simulation.add([&](World& w) { return collect(w, reading); });
  simulation.add([&](World& w) { return read_all(w, reading); });
  if (with_retention) simulation.add(retain);
  simulation.run();
  settle(world, with_retention);
}

template <class Scenario>
std::size_t explore(std::size_t deviations_max, Scenario scenario) {
  EveryChoice choices(deviations_max);
  std::size_t runs = 0;
  do {
    World world;
    scenario(world, choices);
    ++runs;
    for (const std::string& violation : world.violations)
      ADD_FAILURE() << "run " << runs << ": " << violation;
  } while (!testing::Test::HasFailure() && choices.next());
  testing::Test::RecordProperty("runs", std::to_string(runs));
  return runs;
}

// More of everything, some minutes long: for whoever changes what is tested here.
bool is_long() {
  return std::getenv("WEFT_MODEL_LONG") != nullptr;
}

TEST(ManifestModel, EveryInterruptionOfTwoWritersAndAMerger) {
  EXPECT_GT(explore(is_long() ? 2 : 1, two_writers_and_a_merger), 100U);
}

TEST(ManifestModel, EveryPairOfInterruptionsOfAMergerACollectorAndAReader) {
  EXPECT_GT(explore(2, merger_collector_and_reader), 1000U);
}

TEST(ManifestModel, RandomRunsOfEverybody) {
  const std::uint64_t runs = is_long() ? 100'000 : 1000;
  for (std::uint64_t seed = 1; seed <= runs && !HasFailure(); ++seed) {
    World world;
    RandomChoices choices(seed);
    everybody(world, choices, seed % 3 == 0);
    for (const std::string& violation : world.violations)
      ADD_FAILURE() << "seed " << seed << ": " << violation;
  }
}

}  // namespace
}  // namespace weft::storage

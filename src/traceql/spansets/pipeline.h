#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "traceql/spansets/expression.h"
#include "traceql/spansets/relation.h"

namespace weft::traceql {

// What a stage says of a spanset: `by(resource.service.name)` = "shop", `count()` = 5.
struct StageValue {
  const std::string* name = nullptr;  // in the plan
  Value value;                        // text lives as long as the batch
  Type type = Type::any;              // tells durations, status and kind from integers
};

// Some spans of one trace: indices into the batch, ascending.
struct Spanset {
  std::vector<std::uint32_t> spans;
  std::vector<StageValue> attributes;
};

struct PipelinePlan;

struct SpansetPlan {
  SpansetExpr::Kind kind = SpansetExpr::Kind::filter;
  std::size_t filter = 0;  // index into SpansetRunner's bitmaps
  Node condition;          // of a filter
  std::vector<SpansetOp> ops;
  std::vector<SpansetPlan> operands;
  std::unique_ptr<PipelinePlan> pipeline;
};

struct StagePlan {
  Stage::Kind kind = Stage::Kind::spansets;
  SpansetPlan spansets;
  Node expression;  // of by, or what is aggregated; of count() unused
  Aggregate aggregate = Aggregate::count;
  Op op = Op::greater;
  Value threshold;
  std::string name;  // of the attribute that the stage adds
};

struct PipelinePlan {
  std::vector<StagePlan> stages;
};

class PipelineCompiler {
 public:
  explicit PipelineCompiler(Slots& slots) : compiler_(slots), slots_(slots) {}
  Result<PipelinePlan> compile(const Pipeline& pipeline);
  Result<SpansetPlan> compile(const SpansetExpr& spansets);
  Compiler& expressions() { return compiler_; }

 private:
  Compiler compiler_;
  Slots& slots_;
  std::size_t filters_ = 0;
};

// Runs pipelines on the traces of one batch after the other. One thread.
class SpansetRunner {
 public:
  SpansetRunner(const Slots& slots, TraceTable& table) : evaluator_(slots), table_(table) {}

  // The table holds a new batch.
  void begin();
  // Spansets that survive for a trace of the batch; none: the trace does not match.
  Result<void> run(const PipelinePlan& plan, std::size_t trace, std::vector<Spanset>& out);
  // The spans of the whole batch that a filter selects.
  Result<const Bitmap*> filter(const SpansetPlan& plan);
  // Calls visit(span), which returns Result<void>, for every span of the batch that is in a
  // surviving spanset.
  template <class Visit>
  Result<void> each(const PipelinePlan& plan, Visit visit);

 private:
  Result<void> select(const SpansetPlan& plan, std::size_t trace, const std::vector<std::uint32_t>* input,
                      std::vector<std::uint32_t>& out);
  Result<void> select_pipeline(const SpansetPlan& plan, std::size_t trace,
                               const std::vector<std::uint32_t>* input, std::size_t& count,
                               std::vector<std::uint32_t>& out);
  Result<void> run_stages(const PipelinePlan& plan, std::size_t trace,
                          const std::vector<std::uint32_t>* input, std::vector<Spanset>& out);
  Result<void> group(const StagePlan& stage, std::vector<Spanset>& sets);
  Result<void> scalar_filter(const StagePlan& stage, std::vector<Spanset>& sets);
  Result<Column> column(const Node& node, const std::vector<std::uint32_t>& spans);
  void whole(std::size_t trace, std::vector<std::uint32_t>& out) const;

  Evaluator evaluator_;
  TraceTable& table_;
  RelationFinder relations_;
  struct Filtered {
    bool done = false;
    Bitmap bits;
  };
  std::vector<std::unique_ptr<Filtered>> filtered_;
  Bitmap all_;
  Bitmap wanted_;
};

template <class Visit>
Result<void> SpansetRunner::each(const PipelinePlan& plan, Visit visit) {
  bool plain = plan.stages.size() == 1 && plan.stages[0].kind == Stage::Kind::spansets &&
               plan.stages[0].spansets.kind == SpansetExpr::Kind::filter;
  if (plain) {
    std::optional<Error> failed;
    TRY(filter(plan.stages[0].spansets))
    ->each([&](std::size_t span) {
      if (failed) return;
      if (Result<void> done = visit(static_cast<std::uint32_t>(span)); !done) failed = done.error();
    });
    if (failed) return *failed;
    return {};
  }
  std::vector<Spanset> sets;
  for (std::size_t t = 0; t < table_.rows().traces.size(); ++t) {
    TRY(run(plan, t, sets));
    for (const Spanset& set : sets)
      for (std::uint32_t span : set.spans) TRY(visit(span));
  }
  return {};
}

}  // namespace weft::traceql

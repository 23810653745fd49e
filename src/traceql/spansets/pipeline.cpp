#include "traceql/spansets/pipeline.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "traceql/spansets/compare.h"
#include "traceql/syntax/printer.h"

namespace weft::traceql {

Result<SpansetPlan> PipelineCompiler::compile(const SpansetExpr& e) {
  SpansetPlan plan;
  plan.kind = e.kind;
  plan.ops = e.ops;
  for (const SpansetExpr& operand : e.operands) plan.operands.push_back(TRY(compile(operand)));
  if (e.kind == SpansetExpr::Kind::binary) slots_.need_numbers();
  if (e.pipeline) plan.pipeline = std::make_unique<PipelinePlan>(TRY(compile(*e.pipeline)));
  if (e.kind == SpansetExpr::Kind::filter) {
    plan.filter = filters_++;
    plan.condition = e.condition ? TRY(compiler_.compile(*e.condition)) : compiler_.always();
  }
  return plan;
}

Result<PipelinePlan> PipelineCompiler::compile(const Pipeline& pipeline) {
  PipelinePlan plan;
  for (const Stage& stage : pipeline.stages) {
    StagePlan out;
    out.kind = stage.kind;
    switch (stage.kind) {
      case Stage::Kind::spansets: out.spansets = TRY(compile(stage.spansets)); break;
      case Stage::Kind::by:
        out.expression = TRY(compiler_.compile(stage.expression));
        out.name = "by(" + to_string(stage.expression) + ")";
        break;
      case Stage::Kind::scalar_filter: {
        const Expr& aggregate = stage.expression.operands[0];
        out.aggregate = aggregate.aggregate;
        out.op = stage.expression.ops[0];
        out.threshold = value_of(stage.expression.operands[1].literal);
        out.name = to_string(aggregate);
        if (!aggregate.operands.empty()) out.expression = TRY(compiler_.compile(aggregate.operands[0]));
        break;
      }
      case Stage::Kind::coalesce: break;
      case Stage::Kind::select: continue;  // shows attributes, changes no spanset
    }
    plan.stages.push_back(std::move(out));
  }
  return plan;
}

void SpansetRunner::begin() {
  for (auto& filtered : filtered_)
    if (filtered != nullptr) filtered->done = false;
  all_.reset(table_.size(), true);
}

Result<const Bitmap*> SpansetRunner::filter(const SpansetPlan& plan) {
  if (plan.filter >= filtered_.size()) filtered_.resize(plan.filter + 1);
  if (filtered_[plan.filter] == nullptr) filtered_[plan.filter] = std::make_unique<Filtered>();
  Filtered& own = *filtered_[plan.filter];
  if (!own.done) {
    Rows rows;
    rows.count = table_.size();
    own.bits.reset(rows.count, false);
    TRY(evaluator_.test(plan.condition, table_, rows, all_, own.bits));
    own.done = true;
  }
  return &own.bits;
}

void SpansetRunner::whole(std::size_t trace, std::vector<std::uint32_t>& out) const {
  const storage::TraceRows::Trace& t = table_.rows().traces[trace];
  out.resize(t.count);
  for (std::uint32_t i = 0; i < t.count; ++i) out[i] = t.first + i;
}

Result<void> SpansetRunner::select_pipeline(const SpansetPlan& plan, std::size_t trace,
                                            const std::vector<std::uint32_t>* input, std::size_t& count,
                                            std::vector<std::uint32_t>& out) {
  std::vector<Spanset> sets;
  TRY(run_stages(*plan.pipeline, trace, input, sets));
  count = sets.size();
  out.clear();
  for (const Spanset& set : sets) out.insert(out.end(), set.spans.begin(), set.spans.end());
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return {};
}

Result<void> SpansetRunner::select(const SpansetPlan& plan, std::size_t trace,
                                   const std::vector<std::uint32_t>* input, std::vector<std::uint32_t>& out) {
  out.clear();
  switch (plan.kind) {
    case SpansetExpr::Kind::filter: {
      const Bitmap& bits = *TRY(filter(plan));
      if (input == nullptr) {
        const storage::TraceRows::Trace& t = table_.rows().traces[trace];
        bits.each(t.first, t.first + t.count,
                  [&](std::size_t i) { out.push_back(static_cast<std::uint32_t>(i)); });
      } else {
        for (std::uint32_t i : *input)
          if (bits.test(i)) out.push_back(i);
      }
      return {};
    }
    case SpansetExpr::Kind::pipeline: {
      std::size_t count = 0;
      return select_pipeline(plan, trace, input, count, out);
    }
    case SpansetExpr::Kind::chain: {
      TRY(select(plan.operands[0], trace, input, out));
      std::vector<std::uint32_t> next;
      std::vector<std::uint32_t> both;
      for (std::size_t i = 0; i < plan.ops.size(); ++i) {
        bool conjunction = plan.ops[i].relation == Relation::both;
        if (conjunction && out.empty()) continue;
        TRY(select(plan.operands[i + 1], trace, input, next));
        if (conjunction && next.empty()) {
          out.clear();
          continue;
        }
        unite(out, next, both);
        out.swap(both);
      }
      return {};
    }
    case SpansetExpr::Kind::binary: {
      std::vector<std::uint32_t> sides[2];
      for (std::size_t i = 0; i < 2; ++i) {
        std::size_t count = 1;
        if (plan.operands[i].kind == SpansetExpr::Kind::pipeline)
          TRY(select_pipeline(plan.operands[i], trace, input, count, sides[i]));
        else
          TRY(select(plan.operands[i], trace, input, sides[i]));
        if (count > 1)
          return Error(Code::invalid_argument,
                       "spanset operators are not supported for multiple spansets per trace. consider using "
                       "coalesce()");
        if (sides[i].empty() && (i == 1 || plan.ops[0].flavour != Flavour::negated)) return {};
      }
      relations_.find(plan.ops[0], table_.numbers(), sides[0], sides[1], out);
      return {};
    }
  }
  return {};
}

Result<Column> SpansetRunner::column(const Node& node, const std::vector<std::uint32_t>& spans) {
  Rows rows;
  rows.count = spans.size();
  rows.span = spans.data();
  wanted_.reset(rows.count, true);
  return evaluator_.values(node, table_, rows, wanted_);
}

Result<void> SpansetRunner::group(const StagePlan& stage, std::vector<Spanset>& sets) {
  std::vector<Spanset> out;
  for (Spanset& set : sets) {
    Column values = TRY(column(stage.expression, set.spans));
    std::unordered_multimap<std::uint64_t, std::size_t> groups;
    for (std::size_t row = 0; row < set.spans.size(); ++row) {
      const Value& value = values[row];
      std::uint64_t hash = hash_value(value);
      std::size_t at = out.size();
      for (auto [it, last] = groups.equal_range(hash); it != last && at == out.size(); ++it)
        if (same_value(out[it->second].attributes.back().value, value)) at = it->second;
      if (at == out.size()) {
        groups.emplace(hash, at);
        Spanset fresh;
        fresh.attributes = set.attributes;
        fresh.attributes.push_back({&stage.name, value, stage.expression.type});
        out.push_back(std::move(fresh));
      }
      out[at].spans.push_back(set.spans[row]);
    }
  }
  sets = std::move(out);
  return {};
}

Result<void> SpansetRunner::scalar_filter(const StagePlan& stage, std::vector<Spanset>& sets) {
  std::size_t kept = 0;
  for (Spanset& set : sets) {
    StageValue result{&stage.name, Value{}, stage.expression.type};
    if (stage.aggregate == Aggregate::count) {
      result.value = Value::of(static_cast<std::int64_t>(set.spans.size()));
      result.type = Type::integer;
    } else {
      Column values = TRY(column(stage.expression, set.spans));
      std::size_t count = 0;
      for (std::size_t row = 0; row < set.spans.size(); ++row) {
        const Value& value = values[row];
        if (!is_number(value)) continue;
        Value& so_far = result.value;
        if (++count == 1)
          so_far = value;
        else if (stage.aggregate == Aggregate::min)
          so_far = compare(Op::less, value, so_far) ? value : so_far;
        else if (stage.aggregate == Aggregate::max)
          so_far = compare(Op::greater, value, so_far) ? value : so_far;
        else
          so_far = TRY(arithmetic(Op::add, so_far, value));
      }
      if (count == 0) continue;
      if (stage.aggregate == Aggregate::avg) {
        double mean = as_double(result.value) / static_cast<double>(count);
        // An average of durations is one.
        result.value =
            result.type == Type::duration ? Value::of(static_cast<std::int64_t>(mean)) : Value::of(mean);
      }
    }
    if (!compare(stage.op, result.value, stage.threshold)) continue;
    set.attributes.push_back(result);
    if (&sets[kept] != &set) sets[kept] = std::move(set);
    ++kept;
  }
  sets.resize(kept);
  return {};
}

Result<void> SpansetRunner::run_stages(const PipelinePlan& plan, std::size_t trace,
                                       const std::vector<std::uint32_t>* input, std::vector<Spanset>& out) {
  out.clear();
  std::size_t next = 0;
  Spanset first;
  if (!plan.stages.empty() && plan.stages[0].kind == Stage::Kind::spansets) {
    const SpansetPlan& spansets = plan.stages[next++].spansets;
    if (spansets.kind == SpansetExpr::Kind::pipeline) {
      TRY(run_stages(*spansets.pipeline, trace, input, out));
    } else {
      // The hot path: most traces end here without a match.
      if (spansets.kind == SpansetExpr::Kind::filter && input == nullptr) {
        const storage::TraceRows::Trace& t = table_.rows().traces[trace];
        if (!(*TRY(filter(spansets))).any(t.first, t.first + t.count)) return {};
      }
      TRY(select(spansets, trace, input, first.spans));
      if (first.spans.empty()) return {};
      out.push_back(std::move(first));
    }
  } else {
    if (input == nullptr)
      whole(trace, first.spans);
    else
      first.spans = *input;
    out.push_back(std::move(first));
  }
  for (; next < plan.stages.size() && !out.empty(); ++next) {
    const StagePlan& stage = plan.stages[next];
    switch (stage.kind) {
      case Stage::Kind::spansets: {
        std::size_t kept = 0;
        for (Spanset& set : out) {
          std::vector<std::uint32_t> spans;
          TRY(select(stage.spansets, trace, &set.spans, spans));
          if (spans.empty()) continue;
          set.spans = std::move(spans);
          if (&out[kept] != &set) out[kept] = std::move(set);
          ++kept;
        }
        out.resize(kept);
        break;
      }
      case Stage::Kind::by: TRY(group(stage, out)); break;
      case Stage::Kind::scalar_filter: TRY(scalar_filter(stage, out)); break;
      case Stage::Kind::coalesce: {
        Spanset all;
        for (const Spanset& set : out) all.spans.insert(all.spans.end(), set.spans.begin(), set.spans.end());
        std::sort(all.spans.begin(), all.spans.end());
        all.spans.erase(std::unique(all.spans.begin(), all.spans.end()), all.spans.end());
        out.clear();
        out.push_back(std::move(all));
        break;
      }
      case Stage::Kind::select: break;
    }
  }
  return {};
}

Result<void> SpansetRunner::run(const PipelinePlan& plan, std::size_t trace, std::vector<Spanset>& out) {
  return run_stages(plan, trace, nullptr, out);
}

}  // namespace weft::traceql

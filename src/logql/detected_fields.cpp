#include "logql/detected_fields.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "base/hash.h"
#include "logql/evaluate/plan.h"
#include "logql/stages/json_walk.h"
#include "text/logfmt.h"
#include "text/units.h"

namespace weft::logql {
namespace {

// Distinct values that are told apart for one field.
constexpr std::size_t kValuesMax = 10'000;

std::string_view type_of(std::string_view value) {
  std::int64_t integer = 0;
  auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), integer);
  if (!value.empty() && error == std::errc() && end == value.data() + value.size()) return "int";
  if (text::parse_float(value)) return "float";
  if (value == "true" || value == "false") return "boolean";
  if (text::parse_go_duration(value)) return "duration";
  if (text::parse_bytes(value)) return "bytes";
  return "string";
}

class Detector {
 public:
  explicit Detector(const DetectOptions& options) : options_(options) {}

  void add(Row& row) {
    for (const RowLabel& label : row.labels()) {
      if (!label.live || label.category == Category::stream) continue;
      note(label.name.text, label.value, {}, {});
    }
    if (add_json(row)) return;
    text::LogfmtScanner pairs(row.line);
    text::LogfmtPair pair;
    while (true) {
      if (!pairs.next(pair)) {
        if (!pairs.has_error()) return;
        continue;
      }
      auto value = pair.quoted ? text::unescape_logfmt(pair.value, row.arena()) : pair.value;
      if (value && !value->empty())
        note(own_name(row, sanitised_name(pair.key, row.arena())), *value, "logfmt", {});
    }
  }

  std::vector<DetectedField> finish() {
    std::vector<DetectedField> out;
    for (auto& [label, field] : fields_) {
      if (out.size() == options_.fields_max) break;
      field.shown.label = label;
      field.shown.cardinality = field.seen.size();
      field.shown.values.assign(field.values.begin(), field.values.end());
      out.push_back(std::move(field.shown));
    }
    return out;
  }

 private:
  struct Field {
    DetectedField shown;
    std::set<std::uint64_t> seen;
    std::set<std::string> values;
  };

  // False: the line is no JSON, and nothing has been noted.
  bool add_json(Row& row) {
    auto nothing = [](auto&&...) { return true; };
    if (JsonWalk(row.arena(), nothing).run(row.line) != text::JsonError::none) return false;
    auto leaf = [&](std::string_view name, std::string_view value, std::span<const std::string_view> path) {
      note(own_name(row, name), value, "json", path);
      return true;
    };
    (void)JsonWalk(row.arena(), leaf).run(row.line);
    return true;
  }

  // A field that a label of the stream hides.
  static std::string_view own_name(Row& row, std::string_view name) {
    if (row.stream()->labels.get(name).empty()) return name;
    return row.arena().copy(std::string(name) + "_extracted");
  }

  void note(std::string_view name, std::string_view value, std::string_view parser,
            std::span<const std::string_view> path) {
    if (name.empty()) return;
    auto found = fields_.find(name);
    if (found == fields_.end()) {
      if (fields_.size() >= options_.fields_max) return;
      found = fields_.emplace(std::string(name), Field()).first;
    }
    Field& field = found->second;
    std::string_view type = type_of(value);
    if (field.shown.type.empty()) {
      field.shown.type = type;
    } else if (field.shown.type != type) {
      // Whole numbers among others are floats; other mixtures are text.
      auto numeric = [](std::string_view t) { return t == "int" || t == "float"; };
      field.shown.type = numeric(type) && numeric(field.shown.type) ? "float" : "string";
    }
    if (!parser.empty() && std::find(field.shown.parsers.begin(), field.shown.parsers.end(), parser) ==
                               field.shown.parsers.end())
      field.shown.parsers.emplace_back(parser);
    if (field.shown.json_path.empty()) field.shown.json_path.assign(path.begin(), path.end());
    if (field.seen.size() < kValuesMax) field.seen.insert(hash64(value));
    if (name == options_.values_of && field.values.size() < kValuesMax) field.values.emplace(value);
  }

  const DetectOptions& options_;
  std::map<std::string, Field, std::less<>> fields_;
};

}  // namespace

Result<std::vector<DetectedField>> detect_fields(const Query& query, const Params& params,
                                                 const DetectOptions& options, const storage::Snapshot& data,
                                                 exec::Context& context) {
  const auto* log = query.expr().as<LogExpr>();
  if (!log) return Error(Code::invalid_argument, "fields are detected in log queries only");
  Detector detector(options);
  WantedLabels wanted;
  wanted.all();
  ScanPlan plan = plan_scan(*log, nullptr, wanted);
  TimeRange range{params.start_ns, params.end_ns};
  if (range.empty()) return detector.finish();
  auto source = data.logs(make_scan(*log, plan, params, range, storage::Order::backward, data), context);
  storage::LogRows rows;
  Row row;
  row.now_ns = params.now_ns != 0 ? params.now_ns : params.end_ns;
  std::size_t lines = 0;
  while (lines < options.lines_max) {
    TRY(context.check());
    if (!TRY(source->next(rows))) break;
    for (const storage::LogRow& item : rows.rows) {
      if (!plan.run(row, item)) continue;
      detector.add(row);
      if (++lines == options.lines_max) break;
    }
    row.release();
  }
  return detector.finish();
}

}  // namespace weft::logql

#include "logql/stages/format.h"

#include <algorithm>
#include <utility>

#include "text/template.h"

namespace weft::logql {
namespace {

constexpr std::string_view kTemplateError = "TemplateFormatErr";

// What a template sees of a row.
class RowFields final : public text::TemplateFields {
 public:
  explicit RowFields(const Row& row) : row_(row) {}
  std::string_view get(std::string_view name) const override { return row_.get(Name(name)); }
  void each(const std::function<void(std::string_view, std::string_view)>& visit) const override {
    for (const RowLabel& label : row_.labels())
      if (label.live) visit(label.name.text, label.value);
    if (!row_.error().empty()) visit(kErrorLabel, row_.error());
    if (!row_.error_details().empty()) visit(kErrorDetailsLabel, row_.error_details());
  }
  std::string_view line() const override { return row_.line; }
  std::int64_t time_ns() const override { return row_.time_ns; }
  std::int64_t now_ns() const override { return row_.now_ns; }

 private:
  const Row& row_;
};

// The template's text for the row, in the row's arena; nothing after an error, which the row keeps.
std::optional<std::string_view> render(const text::Template& source, Row& row) {
  std::string& out = row.scratch();
  out.clear();
  auto done = source.execute(RowFields(row), out);
  if (done) return row.arena().copy(out);
  row.set_error(kTemplateError, row.arena().copy(done.error().message()));
  return std::nullopt;
}

void want_fields(const text::Template& source, WantedLabels& wanted) {
  if (source.uses_all_fields()) wanted.all();
  for (const std::string& field : source.fields()) wanted.add(field);
}

class LineFormat final : public Stage {
 public:
  LineFormat(std::string source, text::Template compiled)
      : source_(std::move(source)), template_(std::move(compiled)) {}

  bool apply(Row& row) const override {
    if (auto text = render(template_, row)) row.line = *text;
    return true;
  }
  void print(std::string& out) const override { out += "| line_format " + quoted(source_); }
  bool changes_line() const override { return true; }
  void want(WantedLabels& wanted) const override { want_fields(template_, wanted); }
  void hint(IdHints& hints) const override { hints.line_intact = false; }

 private:
  std::string source_;
  text::Template template_;
};

class LabelFormat final : public Stage {
 public:
  struct Item {
    LabelAssignment assignment;
    std::optional<text::Template> compiled;
  };
  explicit LabelFormat(std::vector<Item> items) : items_(std::move(items)) {}

  bool apply(Row& row) const override {
    // Templates of one stage see the labels as they were when the first of them ran: texts are made
    // before any is set.
    std::size_t made = 0;
    std::span<std::string_view> texts = row.arena().allocate_array<std::string_view>(items_.size());
    for (std::size_t i = 0; i < items_.size(); ++i) {
      const LabelAssignment& item = items_[i].assignment;
      if (item.rename) {
        Name from(item.source);
        if (!row.has(from)) continue;
        std::string_view value = row.get(from);
        row.set_formatted(item.target, value);
        row.remove(from);
        continue;
      }
      if (made == 0) {
        for (std::size_t k = i; k < items_.size(); ++k)
          if (items_[k].compiled) texts[k] = render(*items_[k].compiled, row).value_or(std::string_view());
        made = 1;
      }
      if (row.has_error() && texts[i].data() == nullptr) continue;
      row.set_formatted(item.target, texts[i]);
    }
    return true;
  }

  void print(std::string& out) const override {
    out += "| label_format ";
    for (std::size_t i = 0; i < items_.size(); ++i) {
      const LabelAssignment& item = items_[i].assignment;
      if (i > 0) out += ',';
      out += item.target + "=" + (item.rename ? item.source : quoted(item.source));
    }
  }

  void want(WantedLabels& wanted) const override {
    for (const Item& item : items_) {
      if (item.compiled) {
        want_fields(*item.compiled, wanted);
      } else {
        wanted.add(item.assignment.source);
      }
    }
  }

  void hint(IdHints& hints) const override {
    for (const Item& item : items_) {
      std::erase_if(hints.contains, [&](const auto& known) { return known.first == item.assignment.target; });
      hints.opaque.push_back(item.assignment.target);
      if (!item.compiled || !hints.line_intact) continue;
      if (auto needle = item.compiled->line_contains())
        hints.contains.emplace_back(item.assignment.target, *needle);
    }
  }

 private:
  std::vector<Item> items_;
};

}  // namespace

Result<std::unique_ptr<const Stage>> make_line_format(std::string source) {
  auto compiled = text::Template::parse(source, "line");
  if (!compiled) return Error(Code::invalid_argument, "invalid line template: " + compiled.error().message());
  return std::unique_ptr<const Stage>(std::make_unique<LineFormat>(std::move(source), *std::move(compiled)));
}

Result<std::unique_ptr<const Stage>> make_label_format(std::vector<LabelAssignment> assignments) {
  std::vector<LabelFormat::Item> items;
  for (LabelAssignment& assignment : assignments) {
    if (assignment.target == kErrorLabel)
      return Error(Code::invalid_argument, "__error__ cannot be formatted");
    for (const auto& item : items)
      if (item.assignment.target == assignment.target)
        return Error(Code::invalid_argument, "multiple label name '" + assignment.target +
                                                 "' not allowed in a single format operation");
    std::optional<text::Template> compiled;
    if (!assignment.rename) {
      auto made = text::Template::parse(assignment.source, "label");
      if (!made)
        return Error(Code::invalid_argument,
                     "invalid template for label '" + assignment.target + "': " + made.error().message());
      compiled = *std::move(made);
    }
    items.push_back({std::move(assignment), std::move(compiled)});
  }
  return std::unique_ptr<const Stage>(std::make_unique<LabelFormat>(std::move(items)));
}

}  // namespace weft::logql

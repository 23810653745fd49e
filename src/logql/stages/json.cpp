#include <utility>

#include "logql/stages/json_walk.h"
#include "logql/stages/parsers.h"
#include "text/json_scan.h"

namespace weft::logql {
namespace {

constexpr std::string_view kJsonError = "JSONParserErr";

// Bare `| json`: every leaf becomes a label named after its path.
class Json final : public Stage {
 public:
  bool apply(Row& row) const override {
    if (row.wanted && row.wanted->empty()) return true;  // nothing of it would be seen
    // Counts down to the point where every label that can be seen is known.
    std::size_t still_wanted = row.wanted ? row.wanted->size() : 0;
    JsonWalk walk(row.arena(), [&](std::string_view name, std::string_view value, auto&&) {
      return !(row.add_parsed(name, value) && still_wanted > 0 && --still_wanted == 0);
    });
    text::JsonError error = walk.run(row.line);
    if (error != text::JsonError::none) row.set_error(kJsonError, text::message_of(error));
    return true;
  }
  void print(std::string& out) const override { out += "| json"; }
  Kind kind() const override { return Kind::parser; }
};

// | json a="x.y", b="z[0]": the requested labels and no others; those not found are "".
class JsonExtract final : public Stage {
 public:
  struct Item {
    Extraction source;
    std::vector<text::JsonStep> path;
  };
  explicit JsonExtract(std::vector<Item> items) : items_(std::move(items)) {}

  bool apply(Row& row) const override {
    if (row.line.empty()) return true;
    if (row.line[0] != '{' && row.line[0] != '[' && row.line[0] != '"') {
      row.set_error(kJsonError, {});
      return true;
    }
    for (const Item& item : items_) row.add_parsed(item.source.name, value_of(row, item));
    return true;
  }

  void print(std::string& out) const override {
    out += "| json ";
    for (std::size_t i = 0; i < items_.size(); ++i) {
      if (i > 0) out += ',';
      out += items_[i].source.name + "=" + quoted(items_[i].source.expression);
    }
  }
  Kind kind() const override { return Kind::parser; }

 private:
  static std::string_view value_of(Row& row, const Item& item) {
    text::JsonValue value = text::find_json(row.line, item.path);
    if (value.type == text::JsonValue::Type::string)
      return text::unescape_json(value.raw, row.arena()).value_or("");
    return value.type == text::JsonValue::Type::null ? std::string_view() : value.raw;
  }

  std::vector<Item> items_;
};

// | unpack: what promtail's pack stage has packed.
class Unpack final : public Stage {
 public:
  bool apply(Row& row) const override {
    if (row.line.empty()) return true;
    if (row.line[0] != '{') {
      row.set_error(kJsonError, "expecting json object(6), but it is not");
      return true;
    }
    text::JsonObjectScanner members(row.line);
    std::string_view key;
    text::JsonValue value;
    std::optional<std::string_view> entry;
    while (members.next(key, value))
      if (value.type == text::JsonValue::Type::string && key == "_entry")
        entry = text::unescape_json(value.raw, row.arena());
    if (members.error() != text::JsonError::none) {
      row.set_error(kJsonError, text::message_of(members.error()));
      return true;
    }
    if (!entry) return true;
    text::JsonObjectScanner again(row.line);
    while (again.next(key, value)) {
      if (value.type != text::JsonValue::Type::string || key == "_entry") continue;
      auto name = text::unescape_json(key, row.arena());
      auto plain = text::unescape_json(value.raw, row.arena());
      if (name && plain) row.add_parsed(sanitised_name(*name, row.arena()), *plain);
    }
    row.line = *entry;
    return true;
  }

  void print(std::string& out) const override { out += "| unpack"; }
  Kind kind() const override { return Kind::parser; }
  bool changes_line() const override { return true; }
  void hint(IdHints& hints) const override { hints.line_intact = false; }
};

}  // namespace

Result<std::unique_ptr<const Stage>> make_json(std::vector<Extraction> extractions) {
  if (extractions.empty()) return std::unique_ptr<const Stage>(std::make_unique<Json>());
  std::vector<JsonExtract::Item> items;
  for (Extraction& extraction : extractions) {
    auto path = TRY(text::parse_json_path(extraction.expression));
    items.push_back({std::move(extraction), std::move(path)});
  }
  return std::unique_ptr<const Stage>(std::make_unique<JsonExtract>(std::move(items)));
}

std::unique_ptr<const Stage> make_unpack() {
  return std::make_unique<Unpack>();
}

}  // namespace weft::logql

#include "text/logfmt.h"

#include <utility>

#include "base/utf8.h"
#include "logql/stages/parsers.h"

namespace weft::logql {
namespace {

constexpr std::string_view kLogfmtError = "LogfmtParserErr";

void print_flags(const LogfmtOptions& options, std::string& out) {
  out += "| logfmt";
  if (options.strict) out += " --strict";
  if (options.keep_empty) out += " --keep-empty";
}

// Calls `take(key, value)` for every well-formed pair; `value` is unescaped.
template <class Take>
void each_pair(Row& row, const LogfmtOptions& options, Take take) {
  text::LogfmtScanner pairs(row.line);
  text::LogfmtPair pair;
  while (true) {
    if (!pairs.next(pair)) {
      if (!pairs.has_error()) return;
      if (!options.strict) continue;
      row.set_error(kLogfmtError, row.arena().copy(pairs.error()));
      return;
    }
    std::string_view value = pair.value;
    if (pair.quoted) {
      auto plain = text::unescape_logfmt(pair.value, row.arena());
      if (!plain) {
        if (!options.strict) continue;
        row.set_error(kLogfmtError, "invalid quoted value");
        return;
      }
      value = *plain;
    }
    if (!take(pair.key, value)) return;
  }
}

class Logfmt final : public Stage {
 public:
  explicit Logfmt(LogfmtOptions options) : options_(options) {}

  bool apply(Row& row) const override {
    if (row.wanted && row.wanted->empty()) return true;  // nothing of it would be seen
    std::size_t still_wanted = row.wanted ? row.wanted->size() : 0;
    each_pair(row, options_, [&](std::string_view key, std::string_view value) {
      if (value.empty() && !options_.keep_empty) return true;
      bool added = row.add_parsed(sanitised_name(key, row.arena()), value);
      return !(added && still_wanted > 0 && --still_wanted == 0);
    });
    return true;
  }

  void print(std::string& out) const override { print_flags(options_, out); }
  Kind kind() const override { return Kind::parser; }

 private:
  LogfmtOptions options_;
};

// | logfmt a="x", b: the requested labels, "" when they are not there; of a key that repeats the
// last value counts.
class LogfmtExtract final : public Stage {
 public:
  LogfmtExtract(LogfmtOptions options, std::vector<Extraction> items)
      : options_(options), items_(std::move(items)) {}

  bool apply(Row& row) const override {
    for (const Extraction& item : items_)
      if (!row.has(Name(item.name))) row.set_parsed(item.name, {});
    each_pair(row, options_, [&](std::string_view key, std::string_view value) {
      std::string_view name = sanitised_name(key, row.arena());
      for (const Extraction& item : items_)
        if (item.expression == name) row.set_parsed(item.name, is_utf8(value) ? value : std::string_view());
      return true;
    });
    return true;
  }

  void print(std::string& out) const override {
    print_flags(options_, out);
    for (std::size_t i = 0; i < items_.size(); ++i) {
      out += i == 0 ? " " : ",";
      out += items_[i].name + "=" + quoted(items_[i].expression);
    }
  }
  Kind kind() const override { return Kind::parser; }
  void hint(IdHints& hints) const override {
    // Overwrites what label_format has made.
    for (const Extraction& item : items_)
      std::erase_if(hints.contains, [&](const auto& known) { return known.first == item.name; });
  }

 private:
  LogfmtOptions options_;
  std::vector<Extraction> items_;
};

}  // namespace

std::unique_ptr<const Stage> make_logfmt(LogfmtOptions options, std::vector<Extraction> extractions) {
  if (extractions.empty()) return std::make_unique<Logfmt>(options);
  return std::make_unique<LogfmtExtract>(options, std::move(extractions));
}

}  // namespace weft::logql

#include "logql/stages/labels.h"

#include <array>
#include <utility>

namespace weft::logql {
namespace {

void print_choices(const std::vector<LabelChoice>& choices, std::string& out) {
  static constexpr std::array<std::string_view, 4> kOps = {"=", "!=", "=~", "!~"};
  for (std::size_t i = 0; i < choices.size(); ++i) {
    if (i > 0) out += ", ";
    out += choices[i].name;
    if (!choices[i].matcher) continue;
    out += kOps[static_cast<std::size_t>(choices[i].matcher->op())];
    out += quoted(choices[i].matcher->value());
  }
}

class Drop final : public Stage {
 public:
  explicit Drop(std::vector<LabelChoice> choices) : choices_(std::move(choices)) {
    for (const LabelChoice& choice : choices_) names_.emplace_back(choice.name);
  }

  bool apply(Row& row) const override {
    for (std::size_t i = 0; i < choices_.size(); ++i) {
      const auto& matcher = choices_[i].matcher;
      if (!matcher || (row.has(names_[i]) && matcher->matches(row.get(names_[i])))) row.remove(names_[i]);
    }
    return true;
  }
  void print(std::string& out) const override {
    out += "| drop ";
    print_choices(choices_, out);
  }
  void want(WantedLabels& wanted) const override {
    for (const LabelChoice& choice : choices_)
      if (choice.matcher) wanted.add(choice.name);
  }

 private:
  std::vector<LabelChoice> choices_;
  std::vector<Name> names_;
};

class Keep final : public Stage {
 public:
  explicit Keep(std::vector<LabelChoice> choices) : choices_(std::move(choices)) {
    for (const LabelChoice& choice : choices_) names_.emplace_back(choice.name);
  }

  bool apply(Row& row) const override {
    row.retain([&](const RowLabel& label) {
      if (label.name.text == kPreserveErrorLabel) return true;
      for (std::size_t i = 0; i < choices_.size(); ++i)
        if (names_[i] == label.name && (!choices_[i].matcher || choices_[i].matcher->matches(label.value)))
          return true;
      return false;
    });
    return true;
  }
  void print(std::string& out) const override {
    out += "| keep ";
    print_choices(choices_, out);
  }
  void want(WantedLabels& wanted) const override {
    for (const LabelChoice& choice : choices_)
      if (choice.matcher) wanted.add(choice.name);
  }

 private:
  std::vector<LabelChoice> choices_;
  std::vector<Name> names_;
};

// ESC [ digits and semicolons, ended by a letter, as terminals take them.
class Decolorize final : public Stage {
 public:
  bool apply(Row& row) const override {
    std::size_t escape = row.line.find('\x1b');
    if (escape == row.line.npos) return true;
    char* out = static_cast<char*>(row.arena().allocate(row.line.size(), 1));
    std::size_t size = 0;
    for (std::size_t i = 0; i < row.line.size();) {
      std::size_t length = sequence_length(row.line.substr(i));
      if (length == 0) out[size++] = row.line[i++];
      i += length;
    }
    row.line = {out, size};
    return true;
  }
  void print(std::string& out) const override { out += "| decolorize"; }
  bool changes_line() const override { return true; }
  void hint(IdHints& hints) const override { hints.line_intact = false; }

 private:
  static std::size_t sequence_length(std::string_view text) {
    if (text.size() < 3 || text[0] != '\x1b' || text[1] != '[') return 0;
    std::size_t end = 2;
    while (end < text.size() && ((text[end] >= '0' && text[end] <= '9') || text[end] == ';')) ++end;
    if (end >= text.size() || (text[end] != 'm' && text[end] != 'K')) return 0;
    return end + 1;
  }
};

}  // namespace

std::unique_ptr<const Stage> make_drop(std::vector<LabelChoice> choices) {
  return std::make_unique<Drop>(std::move(choices));
}
std::unique_ptr<const Stage> make_keep(std::vector<LabelChoice> choices) {
  return std::make_unique<Keep>(std::move(choices));
}
std::unique_ptr<const Stage> make_decolorize() {
  return std::make_unique<Decolorize>();
}

}  // namespace weft::logql

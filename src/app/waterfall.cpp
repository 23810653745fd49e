#include "app/waterfall.h"

#include <algorithm>
#include <set>
#include <unordered_map>

#include <fmt/format.h>

#include "app/line_printer.h"
#include "base/utf8.h"
#include "model/time.h"
#include "text/units.h"
#include "wire/otlp.h"

namespace weft::app {

namespace {

constexpr std::string_view kDim = "\033[2m", kRed = "\033[31m", kBold = "\033[1m", kPlain = "\033[0m";
constexpr std::size_t kBarColumns = 32, kDurationColumns = 9;

// Columns of a terminal, one a code point: near enough for names of services and spans.
std::size_t columns_of(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

// Cut to so many columns, with an ellipsis; control characters become spaces, so that a line stays one.
std::string cut(std::string_view text, std::size_t columns) {
  std::string out;
  std::size_t used = 0, at = 0;
  const bool fits = columns_of(text) <= columns;
  while (at < text.size() && used < (fits ? columns : columns - 1)) {
    const std::size_t length = std::max<std::size_t>(1, decode_rune(text, at).length);
    if (length == 1 && static_cast<unsigned char>(text[at]) < 0x20) {
      out += ' ';
    } else {
      out += text.substr(at, length);
    }
    at += length;
    ++used;
  }
  return fits ? out : out + "…";
}

std::string padded(std::string text, std::size_t columns) {
  const std::size_t used = columns_of(text);
  if (used < columns) text.append(columns - used, ' ');
  return text;
}

// Three digits are enough to compare by eye: 1.24s, 812ms, 45.1µs.
std::string short_duration(std::uint64_t ns) {
  const auto shown = [](double value, std::string_view unit) {
    return value < 10    ? fmt::format("{:.2f}{}", value, unit)
           : value < 100 ? fmt::format("{:.1f}{}", value, unit)
                         : fmt::format("{:.0f}{}", value, unit);
  };
  const double value = static_cast<double>(ns);
  if (ns < 1000) return fmt::format("{}ns", ns);
  if (ns < 1'000'000) return shown(value / 1e3, "µs");
  if (ns < 1'000'000'000) return shown(value / 1e6, "ms");
  if (ns < 120'000'000'000) return shown(value / 1e9, "s");
  return text::format_go_duration(static_cast<std::int64_t>(ns / 1'000'000'000 * 1'000'000'000));
}

class Waterfall {
 public:
  Waterfall(const SpanBatch& trace, std::span<const FoundLine> lines, const WaterfallOptions& options)
      : trace_(trace), options_(options), width_(std::max<std::size_t>(60, options.width)) {
    for (std::size_t i = 0; i < trace.spans.size(); ++i) {
      by_id_.emplace(trace.spans[i].span_id, i);
      start_ns_ = std::min(start_ns_, trace.spans[i].start_ns);
      end_ns_ = std::max(end_ns_, std::max(trace.spans[i].start_ns, trace.spans[i].end_ns));
    }
    grow_tree();
    for (const FoundLine& line : lines) {
      const std::size_t span = span_of(line);
      (span == kNone ? unplaced_ : lines_of_[span]).push_back(&line);
    }
    for (auto& [span, of_span] : lines_of_) std::ranges::sort(of_span, {}, &FoundLine::time_ns);
    std::ranges::sort(unplaced_, {}, &FoundLine::time_ns);
  }

  std::string render() {
    heading(lines_of_.empty() && unplaced_.empty());
    // The stack holds what is still to be written, last first: no recursion, however deep the trace.
    std::vector<Row> stack;
    for (auto root = roots_.rbegin(); root != roots_.rend(); ++root) stack.push_back({*root, "", "", ""});
    while (!stack.empty()) {
      const Row row = std::move(stack.back());
      stack.pop_back();
      const std::vector<std::size_t>& children = children_[row.span];
      span_line(row);
      const std::string below = row.indent + row.continues;
      details(row.span, below + (children.empty() ? "   " : "│  "));
      // Ever deeper branches would push everything else off the screen.
      const bool deep = columns_of(below) > width_ / 3;
      for (std::size_t i = children.size(); i-- > 0;) {
        const bool last = i + 1 == children.size();
        stack.push_back({children[i], below,
                         deep   ? "» "
                         : last ? "└─ "
                                : "├─ ",
                         deep   ? ""
                         : last ? "   "
                                : "│  "});
      }
    }
    if (!unplaced_.empty()) {
      out_ += paint(kBold, "\nlogs of no span here") + "\n";
      for (const FoundLine* line : unplaced_) log_line(*line, "  ");
    }
    return std::move(out_);
  }

 private:
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

  struct Row {
    std::size_t span;
    std::string indent;     // of the parent's children
    std::string branch;     // what leads to this one
    std::string continues;  // what stands there below it
  };

  std::string paint(std::string_view escape, std::string_view text) const {
    return options_.colour ? fmt::format("{}{}{}", escape, text, kPlain) : std::string(text);
  }

  std::string_view service_of(const Span& span) const {
    if (span.resource >= trace_.resources.size()) return "?";
    const Value* name = find_attribute(trace_.resources[span.resource].attributes, "service.name");
    return name != nullptr && name->type == Value::Type::string ? name->as_text() : "?";
  }

  // Children by parent, each list by start time. A span that no root leads to (its parents form a
  // ring) becomes a root itself.
  void grow_tree() {
    const std::vector<Span>& spans = trace_.spans;
    children_.resize(spans.size());
    std::vector<std::size_t> order(spans.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::ranges::sort(order, {}, [&](std::size_t i) { return std::pair(spans[i].start_ns, i); });
    std::vector<std::size_t> parent(spans.size(), kNone);
    for (const std::size_t i : order) {
      const auto found = spans[i].parent_id.is_zero() ? by_id_.end() : by_id_.find(spans[i].parent_id);
      if (found != by_id_.end() && found->second != i) parent[i] = found->second;
      if (parent[i] == kNone) {
        roots_.push_back(i);
      } else {
        children_[parent[i]].push_back(i);
      }
    }
    std::vector<bool> reached(spans.size(), false);
    const auto reach = [&](std::size_t root) {
      std::vector<std::size_t> open{root};
      while (!open.empty()) {
        const std::size_t i = open.back();
        open.pop_back();
        if (reached[i]) continue;
        reached[i] = true;
        open.insert(open.end(), children_[i].begin(), children_[i].end());
      }
    };
    for (const std::size_t root : roots_) reach(root);
    for (const std::size_t i : order) {
      if (reached[i]) continue;
      std::erase(children_[parent[i]], i);
      roots_.push_back(i);
      reach(i);
    }
  }

  // The label says it; else any 16 hex digits of the text that are the id of a span here.
  std::size_t span_of(const FoundLine& line) const {
    const auto find = [&](std::string_view hex) {
      const std::optional<SpanId> id = hex.size() == 16 ? parse_span_id(hex) : std::nullopt;
      const auto found = id ? by_id_.find(*id) : by_id_.end();
      return found == by_id_.end() ? kNone : found->second;
    };
    for (const auto& [name, value] : line.labels) {
      if ((name == "span_id" || name == "spanID" || name == "spanId") && find(value) != kNone)
        return find(value);
    }
    const std::string_view text = line.line;
    std::size_t begin = 0;
    for (std::size_t at = 0; at <= text.size(); ++at) {
      const char c = at < text.size() ? text[at] : ' ';
      if (('0' <= c && c <= '9') || ('a' <= c && c <= 'f') || ('A' <= c && c <= 'F')) continue;
      const std::size_t found = at - begin == 16 ? find(text.substr(begin, 16)) : kNone;
      if (found != kNone) return found;
      begin = at + 1;
    }
    return kNone;
  }

  void heading(bool no_logs) {
    std::set<std::string_view> services;
    std::size_t errors = 0;
    for (const Span& span : trace_.spans) {
      services.insert(service_of(span));
      errors += span.status == SpanStatus::error;
    }
    const auto counted = [](std::size_t n, std::string_view noun) {
      return fmt::format("{} {}{}", n, noun, n == 1 ? "" : "s");
    };
    out_ += fmt::format("{}  {}  {}  {} in {}", paint(kBold, to_hex(trace_.spans[0].trace_id)),
                        text::format_rfc3339(static_cast<std::int64_t>(start_ns_)),
                        short_duration(end_ns_ - start_ns_), counted(trace_.spans.size(), "span"),
                        counted(services.size(), "service"));
    if (errors > 0) out_ += "  " + paint(kRed, counted(errors, "error"));
    if (no_logs) out_ += "  no logs";
    out_ += "\n\n";
  }

  void span_line(const Row& row) {
    const Span& span = trace_.spans[row.span];
    const bool failed = span.status == SpanStatus::error;
    const std::size_t name_columns = width_ - kBarColumns - kDurationColumns - 4;
    const std::string lead = row.indent + row.branch;
    const std::size_t left = name_columns > columns_of(lead) + 8 ? name_columns - columns_of(lead) : 8;
    std::string name = fmt::format("{}: {}", service_of(span), span.name);
    const bool orphan = !span.parent_id.is_zero() && row.branch.empty();
    if (orphan) name += " (parent missing)";
    name = padded(cut(name, left), left);
    out_ += paint(kDim, lead) + (failed ? paint(kRed, name) : name);
    out_ += "  " + paint(failed ? kRed : "\033[34m", bar(span));
    out_ += fmt::format(" {:>{}}", short_duration(span.duration_ns()), kDurationColumns);
    if (failed) out_ += paint(kRed, " !");
    out_ += "\n";
    if (failed && !span.status_message.empty()) {
      const std::string indent = row.indent + row.continues + (children_[row.span].empty() ? "   " : "│  ");
      detail_line(indent, kRed, "! " + std::string(span.status_message));
    }
  }

  std::string bar(const Span& span) const {
    const double whole = static_cast<double>(std::max<std::uint64_t>(1, end_ns_ - start_ns_));
    const auto column = [&](std::uint64_t at_ns) {
      return static_cast<std::size_t>(static_cast<double>(at_ns - start_ns_) / whole * kBarColumns);
    };
    const std::size_t from = std::min(column(span.start_ns), kBarColumns - 1);
    const std::size_t to = std::clamp(column(std::max(span.start_ns, span.end_ns)), from + 1, kBarColumns);
    std::string out;
    for (std::size_t i = 0; i < kBarColumns; ++i)
      out += i < from || i >= to ? "·" : to - from == 1 && span.duration_ns() == 0 ? "▏" : "█";
    return out;
  }

  void details(std::size_t index, const std::string& indent) {
    const Span& span = trace_.spans[index];
    if (options_.events) {
      for (const SpanEvent& event : span.events) {
        std::string text = fmt::format(
            "◆ +{} {}", short_duration(event.time_ns > span.start_ns ? event.time_ns - span.start_ns : 0),
            event.name);
        for (const Attribute& attribute : event.attributes) {
          text += fmt::format(" {}=", attribute.key);
          wire::append_plain_json(text, attribute.value);
        }
        detail_line(indent, "\033[35m", text);
      }
    }
    for (const SpanLink& link : span.links) {
      detail_line(indent, "\033[35m",
                  fmt::format("→ linked to trace {} span {}", to_hex(link.trace_id), to_hex(link.span_id)));
    }
    if (const auto found = lines_of_.find(index); found != lines_of_.end()) {
      for (const FoundLine* line : found->second) log_line(*line, indent);
    }
  }

  void detail_line(const std::string& indent, std::string_view escape, std::string_view text) {
    out_ += paint(kDim, indent) + paint(escape, cut(text, left_of(indent))) + "\n";
  }

  void log_line(const FoundLine& line, const std::string& indent) {
    // The heading has the date; the time of day, in UTC as there, is what is wanted here.
    const std::int64_t ms = line.time_ns / kNsPerMs % 86'400'000;
    const std::string clock =
        fmt::format("{:02}:{:02}:{:02}.{:03}", ms / 3'600'000, ms / 60'000 % 60, ms / 1000 % 60, ms % 1000);
    const std::string_view level = level_of(line);
    const std::string text = fmt::format("{} {:<5} ", clock, level);
    const std::size_t left = left_of(indent);
    out_ += paint(kDim, indent) + paint(level_colour(level), text) +
            cut(message_of(line.line), left > text.size() + 10 ? left - text.size() : 10) + "\n";
  }

  std::size_t left_of(const std::string& indent) const {
    const std::size_t used = columns_of(indent);
    return width_ > used + 20 ? width_ - used : 20;
  }

  const SpanBatch& trace_;
  const WaterfallOptions& options_;
  const std::size_t width_;
  std::unordered_map<SpanId, std::size_t> by_id_;
  std::vector<std::vector<std::size_t>> children_;
  std::vector<std::size_t> roots_;
  std::unordered_map<std::size_t, std::vector<const FoundLine*>> lines_of_;
  std::vector<const FoundLine*> unplaced_;
  std::uint64_t start_ns_ = UINT64_MAX;
  std::uint64_t end_ns_ = 0;
  std::string out_;
};

}  // namespace

std::string render_waterfall(const SpanBatch& trace, std::span<const FoundLine> lines,
                             const WaterfallOptions& options) {
  return trace.spans.empty() ? std::string() : Waterfall(trace, lines, options).render();
}

}  // namespace weft::app

#include <algorithm>

#include "base/bytes.h"
#include "storage/block/log_reader.h"
#include "storage/block/log_text.h"

namespace weft::storage::block {
namespace {

Error corrupted(std::string what) {
  return Error(Code::corrupted, std::move(what));
}

// Text as stored, of one row.
struct StoredLabel {
  std::uint32_t row;
  std::string_view name;
  std::string_view value;
};

}  // namespace

// One fetch: finds the pages that the rows lie on, reads them at once, takes what the rows have
// there, then reads the ids that they name, and makes text whole.
class LogFetch {
 public:
  LogFetch(const LogBlockReader& reader, std::span<const LogRowRef> rows, LogWanted wanted,
           LogPageCache& cache, LogBlockRows& out)
      : reader_(reader),
        directory_(reader.directory_),
        rows_(rows),
        wanted_(wanted),
        cache_(cache),
        out_(out) {}

  Result<void> run() {
    out_.clear();
    out_.rows.resize(rows_.size());
    stored_.resize(rows_.size());
    for (std::size_t i = 0; i < rows_.size(); ++i) out_.rows[i].ref = rows_[i];
    find_pages();
    TRY(reader_.load(keys_, cache_, out_.pages));
    for (const Segment& segment : segments_) {
      for (std::uint32_t c = segment.first_column; c < segment.first_column + segment.columns; ++c)
        take_column(segment, columns_[c]);
    }
    sort_labels();
    TRY(find_ids());
    for (std::uint32_t i = 0; i < rows_.size(); ++i) {
      auto done = finish_row(i);
      if (!done) return reader_.describe(done.error(), key_of_row(i));
    }
    return {};
  }

 private:
  // What a row has in the block.
  struct Stored {
    std::string_view line;
    std::string_view rest;
    std::uint32_t trace = 0;  // ordinals + 1
    std::uint32_t other = 0;
    bool has_marks = false;
    std::uint32_t first_label = 0;  // in labels_, once sorted
    std::uint32_t labels = 0;
  };
  // Rows [begin, end) of rows_, which lie in one row group.
  struct Segment {
    std::uint32_t group = 0;
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
    std::uint32_t first_column = 0;  // in columns_
    std::uint32_t columns = 0;
  };
  // A column of a segment, and where its pages stand in keys_, one for each run of rows on one page.
  struct Column {
    std::uint32_t number = 0;  // among those of the row group
    std::uint32_t first_page = 0;
  };

  bool is_wanted(LogColumnKind kind) const {
    bool text = wanted_.line || wanted_.metadata;
    switch (kind) {
      case LogColumnKind::line: return wanted_.line;
      case LogColumnKind::rest:
      case LogColumnKind::metadata: return wanted_.metadata;
      case LogColumnKind::trace:
      case LogColumnKind::span: return wanted_.link || text;
      case LogColumnKind::other_id: return text;
      case LogColumnKind::time:
      case LogColumnKind::more_ids: return false;
    }
    return false;
  }

  // For messages about a row: the page of its line.
  LogPageKey key_of_row(std::uint32_t i) const {
    std::uint32_t group = directory_.group_of(rows_[i].row);
    const LogGroup& of = directory_.groups[group];
    auto column = static_cast<std::uint32_t>(of.find(LogColumnKind::line) - of.columns.data());
    std::uint32_t page = static_cast<std::uint32_t>(of.columns[column].page_of(rows_[i].row - of.first_row));
    return {reader_.file_.hash(), group, column, page};
  }

  void find_pages() {
    for (std::uint32_t i = 0; i < rows_.size(); ++i) {
      bool same = !segments_.empty() && in_group(directory_.groups[segments_.back().group], rows_[i].row);
      if (!same) segments_.push_back({.group = directory_.group_of(rows_[i].row), .begin = i});
      segments_.back().end = i + 1;
    }
    for (Segment& segment : segments_) {
      const LogGroup& group = directory_.groups[segment.group];
      segment.first_column = static_cast<std::uint32_t>(columns_.size());
      for (std::uint32_t c = 0; c < group.columns.size(); ++c) {
        if (!is_wanted(group.columns[c].kind)) continue;
        columns_.push_back({c, static_cast<std::uint32_t>(keys_.size())});
        for_each_page(segment, group.columns[c], [&](std::uint32_t page, std::uint32_t, std::uint32_t) {
          keys_.push_back({reader_.file_.hash(), segment.group, c, page});
        });
      }
      segment.columns = static_cast<std::uint32_t>(columns_.size()) - segment.first_column;
    }
  }

  static bool in_group(const LogGroup& group, std::uint32_t row) {
    return row >= group.first_row && row - group.first_row < group.rows;
  }

  // Calls visit(page, begin, end) for neighbours [begin, end) among the rows that lie on one page.
  template <class Visit>
  void for_each_page(const Segment& segment, const LogColumn& column, Visit visit) const {
    const LogGroup& group = directory_.groups[segment.group];
    for (std::uint32_t i = segment.begin; i < segment.end;) {
      std::size_t page = column.page_of(rows_[i].row - group.first_row);
      std::uint32_t first = group.first_row + column.pages[page].first_row;
      std::uint32_t end = page + 1 == column.pages.size()
                              ? group.first_row + group.rows
                              : group.first_row + column.pages[page + 1].first_row;
      std::uint32_t begin = i;
      while (i < segment.end && rows_[i].row >= first && rows_[i].row < end) ++i;
      visit(static_cast<std::uint32_t>(page), begin, i);
    }
  }

  void take_column(const Segment& segment, const Column& place) {
    const LogGroup& group = directory_.groups[segment.group];
    const LogColumn& column = group.columns[place.number];
    std::uint32_t at = place.first_page;
    for_each_page(segment, column, [&](std::uint32_t number, std::uint32_t begin, std::uint32_t end) {
      const LogPage& page = *out_.pages[at++];
      std::uint32_t first = group.first_row + column.pages[number].first_row;
      for (std::uint32_t i = begin; i < end; ++i) take(column, page, i, rows_[i].row - first);
    });
  }

  // What row i of the fetch has at place `row` of a page.
  void take(const LogColumn& column, const LogPage& page, std::uint32_t i, std::uint32_t row) {
    Stored& stored = stored_[i];
    switch (column.kind) {
      case LogColumnKind::line:
        stored.line = page.strings[row];
        stored.has_marks |= has_marks(stored.line);
        break;
      case LogColumnKind::rest: stored.rest = page.strings[row]; break;
      case LogColumnKind::trace: stored.trace = page.ordinals[row]; break;
      case LogColumnKind::other_id: stored.other = page.ordinals[row]; break;
      case LogColumnKind::span:
        if (page.present.has(row)) out_.rows[i].span_id = page.spans[page.present.rank(row)];
        break;
      case LogColumnKind::metadata:
        if (!page.present.has(row)) break;
        labels_.push_back({i, directory_.keys[column.key], page.strings[page.present.rank(row)]});
        stored.has_marks |= has_marks(labels_.back().value);
        ++stored.labels;
        break;
      case LogColumnKind::time:
      case LogColumnKind::more_ids: break;
    }
  }

  // By row; within one they stay in the order of the columns.
  void sort_labels() {
    std::uint32_t first = 0;
    for (Stored& stored : stored_) {
      stored.first_label = first;
      first += stored.labels;
      stored.labels = 0;
    }
    std::vector<StoredLabel> sorted(labels_.size());
    for (const StoredLabel& label : labels_) {
      Stored& stored = stored_[label.row];
      sorted[stored.first_label + stored.labels++] = label;
    }
    labels_ = std::move(sorted);
  }

  // Looks up the ids that links and text need.
  Result<void> find_ids() {
    std::vector<std::uint32_t> ordinals;
    for (const Stored& stored : stored_) {
      if (stored.trace != 0 && (wanted_.link || stored.has_marks)) ordinals.push_back(stored.trace - 1);
      if (stored.other != 0 && stored.has_marks) ordinals.push_back(stored.other - 1);
    }
    if (ordinals.empty()) return {};
    std::ranges::sort(ordinals);
    ordinals.erase(std::ranges::unique(ordinals).begin(), ordinals.end());
    auto ids = TRY(reader_.ids());
    std::vector<LogPageKey> keys;
    std::size_t page = 0;
    auto covers = [&](std::uint32_t ordinal) {
      const IdIndex::Page& of = ids->index.page(page);
      return ordinal - of.first_ordinal < of.ids;
    };
    for (std::uint32_t ordinal : ordinals) {
      if (!keys.empty() && covers(ordinal)) continue;
      while (!covers(ordinal)) ++page;  // ordinals ascend, and are below the number of ids
      keys.push_back({reader_.file_.hash(), LogPageKey::kIds, 0, static_cast<std::uint32_t>(page)});
    }
    TRY(reader_.load(keys, cache_, id_pages_));
    for (const LogPageKey& key : keys) id_firsts_.push_back(ids->index.page(key.page).first_ordinal);
    return {};
  }

  TraceId id(std::uint32_t ordinal_and_one) const {
    if (ordinal_and_one == 0) return {};
    std::uint32_t ordinal = ordinal_and_one - 1;
    auto after = std::ranges::upper_bound(id_firsts_, ordinal);
    auto page = static_cast<std::size_t>(after - id_firsts_.begin()) - 1;
    return id_pages_[page]->ids->id(ordinal - id_firsts_[page]);
  }

  Result<std::string_view> restore(std::string_view text) {
    std::string_view whole;
    if (!restore_text(text, text_ids_, out_.arena, whole))
      return corrupted("text names an id that its row lacks");
    return whole;
  }

  Result<void> finish_row(std::uint32_t i) {
    const Stored& stored = stored_[i];
    LogBlockRows::Row& row = out_.rows[i];
    if (wanted_.link || stored.has_marks) row.trace_id = id(stored.trace);
    if (stored.has_marks) text_ids_.set(row.trace_id, id(stored.other), row.span_id);
    row.line = stored.line;
    if (stored.has_marks) row.line = TRY(restore(stored.line));
    if (stored.labels > 0 || !stored.rest.empty()) TRY(finish_metadata(i));
    if (!wanted_.link) {
      row.trace_id = {};
      row.span_id = {};
    }
    return {};
  }

  Result<void> finish_metadata(std::uint32_t i) {
    const Stored& stored = stored_[i];
    ByteReader rest(stored.rest);
    std::uint64_t of_rest = 0;
    if (!stored.rest.empty()) of_rest = TRY(rest.varint());
    // A label in the rest takes three bytes at least.
    if (of_rest > stored.rest.size() / 3) return corrupted(std::to_string(of_rest) + " labels in the rest");
    std::span<Label> labels = out_.arena.allocate_array<Label>(stored.labels + of_rest);
    std::span<const StoredLabel> columns = std::span(labels_).subspan(stored.first_label, stored.labels);
    std::size_t at = 0;
    std::size_t column = 0;
    auto fill_until = [&](std::uint64_t place) -> Result<void> {
      if (place < at || place - at > columns.size() - column)
        return corrupted("label in the rest is out of place");
      for (; at < place; ++at, ++column) {
        labels[at] = {columns[column].name, columns[column].value};
        if (stored.has_marks) labels[at].value = TRY(restore(columns[column].value));
      }
      return {};
    };
    const LogGroup& group = directory_.groups[directory_.group_of(rows_[i].row)];
    for (std::uint64_t l = 0; l < of_rest; ++l) {
      TRY(fill_until(TRY(rest.varint())));
      std::uint64_t key = TRY(rest.varint());
      if (key > group.rest_keys.size()) return corrupted("key " + std::to_string(key) + " in the rest");
      std::string_view name = key == 0 ? TRY(rest.take(TRY(rest.varint())))
                                       : std::string_view(directory_.keys[group.rest_keys[key - 1]]);
                                       labels[at++] = { name, TRY(rest.take(TRY(rest.varint()))) };
    }
    TRY(rest.expect_end());
    TRY(fill_until(labels.size()));
    out_.rows[i].metadata = labels;
    return {};
  }

  const LogBlockReader& reader_;
  const LogDirectory& directory_;
  const std::span<const LogRowRef> rows_;
  const LogWanted wanted_;
  LogPageCache& cache_;
  LogBlockRows& out_;
  std::vector<Stored> stored_;
  std::vector<Segment> segments_;
  std::vector<Column> columns_;
  std::vector<LogPageKey> keys_;
  std::vector<StoredLabel> labels_;
  std::vector<LogPagePtr> id_pages_;
  std::vector<std::uint32_t> id_firsts_;
  TextIds text_ids_;
};

Result<void> LogBlockReader::fetch(std::span<const LogRowRef> rows, LogWanted wanted, LogPageCache& cache,
                                   LogBlockRows& out) const {
  return LogFetch(*this, rows, wanted, cache, out).run();
}

}  // namespace weft::storage::block

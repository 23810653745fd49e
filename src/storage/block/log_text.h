#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/arena.h"
#include "model/ids.h"

// Text of log rows with the row's own ids cut out. The hex digits of random ids do not compress below
// half their size, and a trace id comes back in every line of the trace; but the row has these
// ids in columns. So where lower-case hex digits of one of them stand in the text, one byte stands for them:
//
//   0x01  the 32 digits of the linked trace       0x02  the 16 digits of the linked span
//   0x03  the 32 digits of the row's other id     0x04  the byte that follows is as it was
//
// and bytes 0x01 to 0x04 that were there before are written after 0x04. Exact for any bytes. Each of the
// marks for ids stands once at most, so that text does not grow much when it is read.

namespace weft::storage::block {

// The ids of one row as digits; a zero id is none.
struct TextIds {
  std::array<char, 32> trace{};
  std::array<char, 32> other{};
  std::array<char, 16> span{};
  bool has_trace = false;
  bool has_other = false;
  bool has_span = false;

  void set(const TraceId& trace_id, const TraceId& other_id, const SpanId& span_id);
};

// Remembers where ids stood in earlier text, since they often stand there again. One thread.
class TextCutter {
 public:
  // The text to store: `text` itself, or a copy in `arena`.
  std::string_view cut(std::string_view text, const TextIds& ids, Arena& arena);

 private:
  class Places {
   public:
    // Where `digits` stand in `text`; npos: nowhere.
    std::size_t find(std::string_view text, std::string_view digits);

   private:
    std::array<std::uint32_t, 16> places_{};
    std::size_t next_ = 0;
  };
  Places traces_;
  Places others_;
  Places spans_;
};

// Whether restore_text() would change anything.
bool has_marks(std::string_view stored);
// The text that was cut; `stored` itself if it has no marks, else in `arena`. False: it is none, or
// names an id that the row does not have, or names one twice.
bool restore_text(std::string_view stored, const TextIds& ids, Arena& arena, std::string_view& out);

}  // namespace weft::storage::block

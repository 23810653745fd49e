#include "wire/decode/lists.h"

#include "model/limits.h"

namespace weft::wire {

Error too_many_items() {
  return Error(Code::resource_exhausted, "request holds more than " + std::to_string(kItemsMax) +
                                             " records and attributes; send smaller batches");
}

Error too_deep() {
  return Error(Code::invalid_argument,
               "attribute value is nested deeper than " + std::to_string(kNestingMax) + " levels");
}

}  // namespace weft::wire

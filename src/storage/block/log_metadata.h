#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/labels.h"

// Metadata of a log row as bytes: varint count, then per label varint size, name, varint size,
// value; no bytes at all for a row without. The head keeps rows in the same form.

namespace weft::storage::block {

void append_metadata(std::span<const Label> labels, std::string& out);

// Appends the labels, views into `encoded`. False: that is something else.
bool read_metadata(std::string_view encoded, std::vector<Label>& out);

}  // namespace weft::storage::block

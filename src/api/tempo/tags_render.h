#pragma once

#include <span>
#include <string>

#include "exec/context.h"
#include "traceql/query.h"

// Answers about tags and their values (reference/tempo.md §2.5, §2.6): as protobuf-JSON, and as the
// messages SearchTagsResponse, SearchTagsV2Response, SearchTagValuesResponse and
// SearchTagValuesV2Response. All have `metrics`.

namespace weft::api::tempo {

// Names or values as text; `member` is "tagNames" or "tagValues".
std::string texts_json(std::string_view member, std::span<const std::string> texts, const exec::Stats& stats);
std::string texts_protobuf(std::span<const std::string> texts, const exec::Stats& stats);

std::string scopes_json(std::span<const traceql::ScopedTags> scopes, const exec::Stats& stats);
std::string scopes_protobuf(std::span<const traceql::ScopedTags> scopes, const exec::Stats& stats);

std::string values_json(std::span<const traceql::TagValue> values, const exec::Stats& stats);
std::string values_protobuf(std::span<const traceql::TagValue> values, const exec::Stats& stats);
// Lists of values by type, for language models.
std::string values_llm(std::span<const traceql::TagValue> values, const exec::Stats& stats);

}  // namespace weft::api::tempo

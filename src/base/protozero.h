#pragma once

#include <string_view>

// The only place that includes protozero, so that its view type is the same in every translation
// unit: two of them in one program break the one-definition rule, and do crash. tools/tidy.py holds
// everybody to it.
#define PROTOZERO_USE_VIEW std::string_view
#include <protozero/pbf_reader.hpp>  // IWYU pragma: export
#include <protozero/pbf_writer.hpp>  // IWYU pragma: export

#pragma once

#include <string_view>

// The only place that includes protozero: its view type is chosen before its headers are read.
#define PROTOZERO_USE_VIEW std::string_view
#include <protozero/pbf_reader.hpp>
#include <protozero/pbf_writer.hpp>

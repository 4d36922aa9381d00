// What libedge_dnq_litert.so exports, all in C.
#pragma once

#include <cstddef>
#include <cstdint>

#include "litert/abi.h"

#define EDGE_DNQ_EXPORT __attribute__((visibility("default")))

extern "C" {

/// The entry points that LiteRT's load_delegate() looks up. For the options see options.h. Returns
/// null, after telling why through `report_error`, when an option cannot be honoured.
EDGE_DNQ_EXPORT edge_dnq::tfl::Delegate* tflite_plugin_create_delegate(
    const char* const* keys, const char* const* values, std::size_t count,
    void (*report_error)(const char*));
EDGE_DNQ_EXPORT void tflite_plugin_destroy_delegate(edge_dnq::tfl::Delegate* delegate);

/// Facts about this library. The texts live as long as the library.
EDGE_DNQ_EXPORT const char* edge_dnq_kernels_version();
/// The instruction set that `auto` takes on this processor.
EDGE_DNQ_EXPORT const char* edge_dnq_isa_best();
/// The instruction sets that can be forced on this processor, with commas between.
EDGE_DNQ_EXPORT const char* edge_dnq_isas();

/// Writes what the delegate created with the option report=`key` did, as JSON, at most `size` bytes
/// with the closing zero. Returns the length without it, whatever `size` is; 0 for an unknown key.
EDGE_DNQ_EXPORT std::size_t edge_dnq_litert_report(const char* key, char* buffer, std::size_t size);

/// Halves an RGB picture `times` times, see micro/halve.h.
EDGE_DNQ_EXPORT void edge_dnq_halve_rgb(const std::uint8_t* picture, std::size_t stride,
                                        std::size_t height, std::size_t width, unsigned times,
                                        std::uint8_t* result);

/// Resizes a square RGB picture, see micro/resize.h.
EDGE_DNQ_EXPORT void edge_dnq_resize_rgb(const std::uint8_t* picture, std::size_t stride,
                                         std::size_t side, std::size_t size, std::uint8_t* result);
}

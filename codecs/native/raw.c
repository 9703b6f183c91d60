/* `raw`: any tile, three bytes per pixel: red, green, blue. No payload is longer. Lossless. */
#include "tile.h"

int raw_decode(const u8 *payload, size_t length, int width, int height, u32 *pixels) {
    const size_t count = (size_t)(width * height);
    if (length != 3 * count) return length < 3 * count ? FAULT_TRUNCATED : FAULT_TRAILING;
    for (size_t i = 0; i < count; i++, payload += 3) pixels[i] = (u32)payload[0] << 16 | (u32)payload[1] << 8 | payload[2];
    return FAULT_NONE;
}

#ifndef LB_DECODER_ONLY
size_t raw_encode(const u32 *pixels, int width, int height, u8 *out, size_t capacity) {
    const size_t count = (size_t)(width * height);
    if (capacity < 3 * count) return 0;
    for (size_t i = 0; i < count; i++, out += 3) {
        out[0] = (u8)(pixels[i] >> 16);
        out[1] = (u8)(pixels[i] >> 8);
        out[2] = (u8)pixels[i];
    }
    return 3 * count;
}
#endif

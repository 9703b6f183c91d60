/* `solid`: tiles of one colour, as three bytes: red, green, blue. Lossless. */
#include "tile.h"

int solid_decode(const u8 *payload, size_t length, int width, int height, u32 *pixels) {
    if (length != 3) return length < 3 ? FAULT_TRUNCATED : FAULT_TRAILING;
    const u32 colour = (u32)payload[0] << 16 | (u32)payload[1] << 8 | payload[2];
    for (int i = 0; i < width * height; i++) pixels[i] = colour;
    return FAULT_NONE;
}

#ifndef LB_DECODER_ONLY
size_t solid_encode(const u32 *pixels, int width, int height, u8 *out, size_t capacity) {
    if (capacity < 3) return 0;
    for (int i = 1; i < width * height; i++)
        if (pixels[i] != pixels[0]) return 0;
    out[0] = (u8)(pixels[0] >> 16);
    out[1] = (u8)(pixels[0] >> 8);
    out[2] = (u8)pixels[0];
    return 3;
}
#endif

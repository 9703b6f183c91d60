/* `colour`: any tile, as three planes: G, R - G + 128 and B - G + 128, modulo 256. Lossless. */
#include "plane.h"

int colour_decode(const u8 *payload, size_t length, int width, int height, u32 *pixels) {
    plane_reader reader;
    plane_head heads[3];
    u8 samples[3][TILE_AREA];
    int fault = plane_open(&reader, heads, 3, payload, length);
    for (int p = 0; p < 3 && !fault; p++) fault = plane_decode(&reader, &heads[p], width, height, samples[p]);
    if (!fault) fault = plane_close(&reader);
    if (fault) return fault;
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            const u32 g = samples[0][y * TILE_PX + x];
            const u32 r = (samples[1][y * TILE_PX + x] + g + 128) & 255, b = (samples[2][y * TILE_PX + x] + g + 128) & 255;
            pixels[y * width + x] = r << 16 | g << 8 | b;
        }
    return FAULT_NONE;
}

#ifndef LB_DECODER_ONLY
size_t colour_encode(const u32 *pixels, int width, int height, u8 *out, size_t capacity) {
    u8 plane[3][PLANE_BYTES];
    for (int y = 0; y < height; y++) {
        u8 *green = plane_row(plane[0], y), *red = plane_row(plane[1], y), *blue = plane_row(plane[2], y);
        for (int x = 0; x < width; x++) {
            const u32 p = pixels[y * width + x], g = p >> 8 & 255;
            green[x] = (u8)g;
            red[x] = (u8)((p >> 16) - g + 128);
            blue[x] = (u8)(p - g + 128);
        }
    }
    u8 *planes[3] = {plane[0], plane[1], plane[2]};
    return plane_encode(planes, 3, width, height, out, capacity);
}
#endif

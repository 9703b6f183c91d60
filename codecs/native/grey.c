/* `grey`: tiles with R = G = B, as one plane. Lossless. */
#include "plane.h"

int grey_decode(const u8 *payload, size_t length, int width, int height, u32 *pixels) {
    plane_reader reader;
    plane_head head;
    u8 samples[TILE_AREA];
    int fault = plane_open(&reader, &head, 1, payload, length);
    if (!fault) fault = plane_decode(&reader, &head, width, height, samples);
    if (!fault) fault = plane_close(&reader);
    if (fault) return fault;
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) pixels[y * width + x] = samples[y * TILE_PX + x] * 0x010101u;
    return FAULT_NONE;
}

#ifndef LB_DECODER_ONLY
size_t grey_encode(const u32 *pixels, int width, int height, u8 *out, size_t capacity) {
    u8 plane[PLANE_BYTES];
    u32 tinted = 0;
    for (int y = 0; y < height; y++) {
        u8 *row = plane_row(plane, y);
        for (int x = 0; x < width; x++) {
            const u32 p = pixels[y * width + x];
            tinted |= (p ^ p >> 8) & 0xFFFF;
            row[x] = (u8)p;
        }
    }
    if (tinted) return 0;
    u8 *planes[1] = {plane};
    return plane_encode(planes, 1, width, height, out, capacity);
}
#endif

/* Converts BGRX frames to planar YUV 4:2:0 for video encoders. */
#include "tile.h"

/* A component of YUV is (red · R + green · G + blue · B + offset) >> FACTOR_BITS. */
typedef struct {
    i32 red, green, blue, offset;
} component;

enum { FACTOR_BITS = 15 };

static void luma(const u8 *restrict row, int width, const component c, u8 *restrict y) {
    for (int x = 0; x < width; x++) {
        const u32 p = load32(row + 4 * x);
        y[x] = (u8)((c.red * (i32)(p >> 16 & 255) + c.green * (i32)(p >> 8 & 255) + c.blue * (i32)(p & 255) + c.offset) >> FACTOR_BITS);
    }
}

/* Computes a row of u and v. Each sample is made of the sum of four pixels, two from either row. */
static void chroma(const u8 *restrict upper, const u8 *restrict lower, int width, const component cu, const component cv, u8 *restrict u,
                   u8 *restrict v) {
    for (int x = 0; x < width / 2; x++) {
        const u32 a = load32(upper + 8 * x), b = load32(upper + 8 * x + 4), c = load32(lower + 8 * x), d = load32(lower + 8 * x + 4);
        const u32 outer = (a & 0xFF00FF) + (b & 0xFF00FF) + (c & 0xFF00FF) + (d & 0xFF00FF);
        const i32 red = (i32)(outer >> 16), blue = (i32)(outer & 0xFFFF);
        const i32 green = (i32)((a >> 8 & 255) + (b >> 8 & 255) + (c >> 8 & 255) + (d >> 8 & 255));
        u[x] = (u8)((cu.red * red + cu.green * green + cu.blue * blue + cu.offset) >> (FACTOR_BITS + 2));
        v[x] = (u8)((cv.red * red + cv.green * green + cv.blue * blue + cv.offset) >> (FACTOR_BITS + 2));
    }
}

/* Converts a frame of even width and height. `components` has one component each for y, u and v; with them, no pixel may give a value
 * outside of 0 … 255. */
EXPORT(lb_yuv420) void lb_yuv420(const u8 *frame, i64 stride, int width, int height, const i32 *components, u8 *y, i64 y_stride, u8 *u,
                                 i64 u_stride, u8 *v, i64 v_stride) {
    const component *c = (const component *)components;
    for (int row = 0; row < height; row += 2) {
        const u8 *upper = frame + row * stride, *lower = upper + stride;
        luma(upper, width, c[0], y + row * y_stride);
        luma(lower, width, c[0], y + (row + 1) * y_stride);
        chroma(upper, lower, width, c[1], c[2], u + row / 2 * u_stride, v + row / 2 * v_stride);
    }
}

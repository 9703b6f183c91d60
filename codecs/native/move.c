/* Finds content that scrolled between two frames.
 *
 * Hashes of lines in a few sampled strips vote for the shift. Then every pixel is compared, to find the largest rectangle that moved
 * by that shift.
 */
#include <stdlib.h>

#include "tile.h"

#define STRIP_PX 64    /* width of a sampled strip of rows, and of a cell that is compared */
#define BAND_PX 16     /* height of a sampled band of columns */
#define SAMPLES 8      /* number of strips or bands that vote */
#define RUN_LINES 4    /* lines that are hashed together, because single lines of text repeat too often */
#define VOTES_MIN 8    /* a shift with fewer votes is an accident */
#define SIDE_MIN 32    /* px; a region with a shorter side is not searched */
#define GAIN_MIN 4096  /* pixels that the move must correct, or else it is not worth a search */
#define LINES_MAX 65535

typedef struct {
    const u8 *before, *after;
    i64 before_stride, after_stride;
    int x, y, width, height;
} region;

INLINE u32 pixel(const u8 *frame, i64 stride, int x, int y) { return load32(frame + y * stride + (i64)x * 4) & 0xFFFFFF; }
INLINE u64 mix(u64 hash, u64 value) {
    hash = (hash ^ value) * 0x9E3779B97F4A7C15ull;
    return hash ^ hash >> 29;
}

/* Hashes each row of the strip x … x + width - 1. Line i is row y + i. */
static void hash_rows(const u8 *frame, i64 stride, int x, int y, int width, int lines, u64 *hashes) {
    for (int i = 0; i < lines; i++) {
        const u8 *row = frame + (i64)(y + i) * stride + (i64)x * 4;
        u64 a = 1, b = 2, c = 3, d = 4;
        int at = 0;
        for (; at + 8 <= width; at += 8, row += 32) {
            a = mix(a, load64(row) & 0x00FFFFFF00FFFFFFull);
            b = mix(b, load64(row + 8) & 0x00FFFFFF00FFFFFFull);
            c = mix(c, load64(row + 16) & 0x00FFFFFF00FFFFFFull);
            d = mix(d, load64(row + 24) & 0x00FFFFFF00FFFFFFull);
        }
        for (; at < width; at++, row += 4) a = mix(a, load32(row) & 0xFFFFFF);
        hashes[i] = mix(mix(mix(a, b), c), d);
    }
}

/* Hashes each column of the band y … y + height - 1. Line i is column x + i. */
static void hash_columns(const u8 *frame, i64 stride, int x, int y, int height, int lines, u64 *hashes) {
    for (int i = 0; i < lines; i++) hashes[i] = 1;
    for (int j = 0; j < height; j++) {
        const u8 *row = frame + (i64)(y + j) * stride + (i64)x * 4;
        for (int i = 0; i < lines; i++) hashes[i] = mix(hashes[i], load32(row + 4 * i) & 0xFFFFFF);
    }
}

/* Replaces the hash of each line by that of the RUN_LINES lines from there on; by 0 if these lines are equal, which says nothing about
 * a shift. Returns the number of runs. */
static int hash_runs(u64 *hashes, int lines) {
    for (int i = 0; i + RUN_LINES <= lines; i++) {
        int flat = 1;
        u64 hash = 7;
        for (int k = 0; k < RUN_LINES; k++) {
            flat &= hashes[i + k] == hashes[i];
            hash = mix(hash, hashes[i + k]);
        }
        hashes[i] = flat ? 0 : hash | 1;
    }
    return lines - RUN_LINES + 1;
}

/* Adds the votes of one sample: votes[lines + shift] grows by 1 for each run of `after` that is elsewhere in `before`, and only once. */
static void count_votes(const u64 *before, const u64 *after, int lines, u64 *keys, i32 *places, u32 slots, i32 *votes) {
    fill_bytes(keys, 0, slots * sizeof *keys);
    for (int i = 0; i < lines; i++) {
        if (!before[i]) continue;
        u32 slot = (u32)(before[i] >> 32) & (slots - 1);
        while (keys[slot] && keys[slot] != before[i]) slot = (slot + 1) & (slots - 1);
        places[slot] = keys[slot] ? -1 : i;
        keys[slot] = before[i];
    }
    for (int i = 0; i < lines; i++) {
        if (!after[i] || after[i] == before[i]) continue;
        u32 slot = (u32)(after[i] >> 32) & (slots - 1);
        while (keys[slot] && keys[slot] != after[i]) slot = (slot + 1) & (slots - 1);
        if (keys[slot] && places[slot] >= 0) votes[lines + i - places[slot]]++;
    }
}

/* Finds the shift of rows (axis 0) or columns (axis 1) with the most votes. Returns the number of these votes. */
static int best_shift(const region *r, int axis, void *memory, int *shift) {
    const int lines = axis ? r->width : r->height, across = axis ? r->height : r->width, thick = axis ? BAND_PX : STRIP_PX;
    u32 slots = 16;
    while (slots < 2 * (u32)lines) slots *= 2;
    u64 *before = memory, *after = before + lines, *keys = after + lines;
    i32 *places = (i32 *)(keys + slots), *votes = places + slots;
    fill_bytes(votes, 0, (size_t)(2 * lines + 1) * sizeof *votes);
    const int samples = across / thick < SAMPLES ? (across / thick ? across / thick : 1) : SAMPLES;
    int joined = 0;
    for (int s = 0; s < samples; s++) {
        const int at = (int)((i64)(across - (across < thick ? across : thick)) * s / (samples > 1 ? samples - 1 : 1));
        const int size = across < thick ? across : thick;
        if (axis) {
            hash_columns(r->before, r->before_stride, r->x, r->y + at, size, lines, before);
            hash_columns(r->after, r->after_stride, r->x, r->y + at, size, lines, after);
        } else {
            hash_rows(r->before, r->before_stride, r->x + at, r->y, size, lines, before);
            hash_rows(r->after, r->after_stride, r->x + at, r->y, size, lines, after);
        }
        joined = hash_runs(before, lines);
        hash_runs(after, lines);
        count_votes(before, after, joined, keys, places, slots, votes);
    }
    int best = 0;
    for (int i = 1; i < 2 * joined; i++)
        if (i != joined && votes[i] > votes[best]) best = i;
    *shift = best - joined;
    return votes[best];
}

INLINE int equal_pixels(const u8 *a, const u8 *b, int width) {
    u32 differs = 0;
    for (int i = 0; i < width; i++) differs |= load32(a + 4 * i) ^ load32(b + 4 * i);
    return !(differs & 0xFFFFFF);
}

/* Returns whether column x of the rows y0 … y1 - 1 moved by (dx, dy). */
static int column_moved(const region *r, int x, int y0, int y1, int dx, int dy) {
    for (int y = y0; y < y1; y++)
        if (pixel(r->after, r->after_stride, x, y) != pixel(r->before, r->before_stride, x - dx, y - dy)) return 0;
    return 1;
}

/* Finds the largest rectangle of cells within the region that moved by (dx, dy), and grows it by single columns. Returns 0 if the move
 * corrects fewer than GAIN_MIN pixels, else 1. */
static int largest_moved_rectangle(const region *r, int dx, int dy, void *memory, int *out) {
    const int x0 = r->x + (dx > 0 ? dx : 0), x1 = r->x + r->width + (dx < 0 ? dx : 0);
    const int y0 = r->y + (dy > 0 ? dy : 0), y1 = r->y + r->height + (dy < 0 ? dy : 0);
    if (x1 - x0 < SIDE_MIN / 2 || y1 - y0 < 1) return 0;
    const int strips = (x1 - x0 + STRIP_PX - 1) / STRIP_PX;
    i32 *heights = memory, *stack = heights + strips + 1;
    fill_bytes(heights, 0, (size_t)(strips + 1) * sizeof *heights);
    i64 best = 0;
    int left = 0, right = 0, top = 0, bottom = 0;
    for (int y = y0; y < y1; y++) {
        for (int s = 0; s < strips; s++) {
            const int x = x0 + s * STRIP_PX, width = x1 - x < STRIP_PX ? x1 - x : STRIP_PX;
            const int moved = equal_pixels(r->after + y * r->after_stride + (i64)x * 4,
                                   r->before + (y - dy) * r->before_stride + (i64)(x - dx) * 4, width);
            heights[s] = moved ? heights[s] + 1 : 0;
        }
        /* The largest rectangle under the heights, with a stack of strips of ascending height. */
        int depth = 0;
        for (int s = 0; s <= strips; s++) {
            const i32 height = s < strips ? heights[s] : 0;
            while (depth && heights[stack[depth - 1]] >= height) {
                const i32 tall = heights[stack[--depth]];
                const int from = depth ? stack[depth - 1] + 1 : 0;
                const i64 area = (i64)tall * (s - from);
                if (area > best) best = area, left = from, right = s, top = y + 1 - tall, bottom = y + 1;
            }
            stack[depth++] = s;
        }
    }
    if (!best) return 0;
    int from = x0 + left * STRIP_PX, to = x0 + right * STRIP_PX < x1 ? x0 + right * STRIP_PX : x1;
    while (from > x0 && column_moved(r, from - 1, top, bottom, dx, dy)) from--;
    while (to < x1 && column_moved(r, to, top, bottom, dx, dy)) to++;
    i64 gain = 0;
    for (int y = top; y < bottom; y++) {
        const u8 *a = r->after + y * r->after_stride + (i64)from * 4, *b = r->before + y * r->before_stride + (i64)from * 4;
        int row = 0;
        for (int i = 0; i < to - from; i++) row += ((load32(a + 4 * i) ^ load32(b + 4 * i)) & 0xFFFFFF) != 0;
        gain += row;
    }
    if (gain < GAIN_MIN) return 0;
    out[0] = from;
    out[1] = top;
    out[2] = to - from;
    out[3] = bottom - top;
    out[4] = dx;
    out[5] = dy;
    return 1;
}

/* Searches a region, which must lie within both frames. Returns 1 if something moved, 0 if not, -1 if out of memory. Writes to `out` the
 * x, y, width and height of the rectangle after the move, then dx and dy. */
EXPORT(lb_find_move) int lb_find_move(const u8 *before, i64 before_stride, const u8 *after, i64 after_stride, int x, int y, int width,
                                      int height, i32 *out) {
    const region r = {before, after, before_stride, after_stride, x, y, width, height};
    if (width < SIDE_MIN || height < SIDE_MIN || width > LINES_MAX || height > LINES_MAX) return 0;
    const size_t lines = (size_t)(width > height ? width : height);
    void *memory = malloc(lines * (2 * 8 + 4 * 12 + 2 * 4) + 1024);
    if (!memory) return -1;
    int dx = 0, dy = 0, found = 0;
    const int vertical = best_shift(&r, 0, memory, &dy);
    if (vertical >= VOTES_MIN) found = largest_moved_rectangle(&r, 0, dy, memory, out);
    if (!found) {
        const int horizontal = best_shift(&r, 1, memory, &dx);
        if (horizontal >= VOTES_MIN) found = largest_moved_rectangle(&r, dx, 0, memory, out);
    }
    free(memory);
    return found;
}

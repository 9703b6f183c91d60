/* `palette`: up to 255 colours, pixels told by their neighbours with adaptive binary arithmetic coding. Lossless.
 *
 * Text, icons and window furniture repeat the pixel above or beside almost always; a context of six equalities learns the shapes
 * within a tile. LZ was the alternative: it needs repeats of whole runs and costs two bytes a match, which small tiles never win back.
 */
#include "tile.h"

#define COLOURS_MAX 255
#define NOBODY 255 /* index outside the picture: equal to no colour */
#define STRIDE (TILE_PX + 8)
#define COUNT_LIMIT 60

/* How likely a bit is 1, in 1/65536, learning quickly at first. */
typedef struct {
    u16 one, count;
} chance;

typedef struct {
    chance row[3], north[64], west[64], north_east[64], north_west[64];
    chance literal[17][256];
    chance red[256], green[256], blue[256];
} model;

typedef struct {
    u32 low, high, code;
    const u8 *in, *in_end;
    size_t taken;
    u8 *out, *out_end;
} coder;

/* 65536 / (count + 1.6): the step towards the bit just seen. */
static u16 step_of[COUNT_LIMIT + 1];

void palette_init(void) {
    for (u32 count = 0; count <= COUNT_LIMIT; count++) step_of[count] = (u16)(655360 / (10 * count + 16));
}

INLINE void learn(chance *c, u32 bit) {
    const i32 step = step_of[c->count];
    const i32 error = (bit ? 65535 : 0) - (i32)c->one;
    i32 one = c->one + (i32)((i64)error * step / 65536);
    c->one = (u16)(one < 64 ? 64 : one > 65472 ? 65472 : one);
    c->count += c->count < COUNT_LIMIT;
}

INLINE u32 next_byte(coder *k) {
    k->taken++;
    return k->in < k->in_end ? *k->in++ : 0;
}

/* Codes or decodes one bit; `encoding` is constant at every call. */
INLINE u32 code_bit(coder *k, chance *c, u32 bit, const int encoding) {
    const u32 middle = k->low + (u32)((u64)(k->high - k->low) * c->one >> 16);
    if (!encoding) bit = k->code <= middle;
    if (bit) k->high = middle;
    else k->low = middle + 1;
    learn(c, bit);
    while (!((k->low ^ k->high) >> 24)) {
        if (encoding) {
            if (k->out < k->out_end) *k->out = (u8)(k->high >> 24);
            k->out++;
        } else {
            k->code = k->code << 8 | next_byte(k);
        }
        k->low <<= 8;
        k->high = k->high << 8 | 255;
    }
    return bit;
}

INLINE u32 code_tree(coder *k, chance *tree, int bits, u32 value, const int encoding) {
    u32 node = 1;
    for (int i = bits - 1; i >= 0; i--) node = node << 1 | code_bit(k, &tree[node], value >> i & 1, encoding);
    return node - (1u << bits);
}

INLINE int code_colours(coder *k, model *m, u32 *colours, int count, const int encoding) {
    u32 before = 0;
    for (int i = 0; i < count; i++) {
        const u32 c = colours[i], r0 = before >> 16;
        const u32 r = (code_tree(k, m->red, 8, ((c >> 16) - r0) & 255, encoding) + r0) & 255;
        const u32 g = (code_tree(k, m->green, 8, ((c >> 8) - (c >> 16)) & 255, encoding) + r) & 255;
        const u32 b = (code_tree(k, m->blue, 8, (c - (c >> 8)) & 255, encoding) + g) & 255;
        const u32 now = r << 16 | g << 8 | b;
        if (i && now <= before) return FAULT_ENCODING;
        colours[i] = before = now;
    }
    return FAULT_NONE;
}

/* Codes the indices: `indices` has two rows and two columns of NOBODY before and two columns after each row. */
INLINE int code_pixels(coder *k, model *m, u8 *indices, int width, int height, int colours, const int encoding) {
    int bits = 0;
    while (1 << bits < colours) bits++;
    const int shift = bits > 4 ? bits - 4 : 0;
    u32 repeated = 0;
    for (int y = 0; y < height; y++) {
        u8 *row = indices + (y + 2) * STRIDE + 2;
        const u8 *above = row - STRIDE;
        if (y) {
            u32 same = 1;
            if (encoding)
                for (int x = 0; x < width && same; x++) same = row[x] == above[x];
            repeated = code_bit(k, &m->row[repeated], same, encoding);
            if (repeated) {
                if (!encoding) copy_bytes(row, above, (size_t)width);
                continue;
            }
        }
        for (int x = 0; x < width; x++) {
            const u32 w = row[x - 1], ww = row[x - 2], n = above[x], nw = above[x - 1], ne = above[x + 1], nn = above[x - STRIDE];
            const u32 shape = (u32)(n == w) | (u32)(n == nw) << 1 | (u32)(n == ne) << 2 | (u32)(w == nw) << 3 | (u32)(n == nn) << 4 |
                              (u32)(w == ww) << 5;
            const u32 it = row[x];
            if (n != NOBODY && code_bit(k, &m->north[shape], it == n, encoding)) {
                row[x] = (u8)n;
                continue;
            }
            if (w != NOBODY && w != n && code_bit(k, &m->west[shape], it == w, encoding)) {
                row[x] = (u8)w;
                continue;
            }
            if (ne != NOBODY && ne != n && ne != w && code_bit(k, &m->north_east[shape], it == ne, encoding)) {
                row[x] = (u8)ne;
                continue;
            }
            if (nw != NOBODY && nw != n && nw != w && nw != ne && code_bit(k, &m->north_west[shape], it == nw, encoding)) {
                row[x] = (u8)nw;
                continue;
            }
            const u32 value = code_tree(k, m->literal[w == NOBODY ? 16 : w >> shift], bits, it, encoding);
            if ((int)value >= colours) return FAULT_ENCODING;
            row[x] = (u8)value;
        }
    }
    return FAULT_NONE;
}

static void model_init(model *m) {
    chance *all = (chance *)m;
    for (size_t i = 0; i < sizeof(model) / sizeof(chance); i++) all[i] = (chance){32768, 0};
}

int palette_decode(const u8 *payload, size_t length, int width, int height, u32 *pixels) {
    if (length < 1) return FAULT_TRUNCATED;
    const int count = payload[0] + 1;
    if (count < 2 || count > COLOURS_MAX) return FAULT_ENCODING;
    model m;
    model_init(&m);
    u8 indices[STRIDE * (TILE_PX + 2)];
    fill_bytes(indices, NOBODY, sizeof indices);
    u32 colours[256];
    fill_bytes(colours, 0, sizeof colours);
    coder k = {.low = 0, .high = ~0u, .in = payload + 1, .in_end = payload + length};
    for (int i = 0; i < 4; i++) k.code = k.code << 8 | next_byte(&k);
    int fault = code_colours(&k, &m, colours, count, 0);
    if (!fault) fault = code_pixels(&k, &m, indices, width, height, count, 0);
    if (fault) return fault;
    /* The encoder never ends in a zero byte, and never writes what the decoder need not take. */
    if (k.taken < length - 1 || (length > 1 && payload[length - 1] == 0)) return FAULT_TRAILING;
    for (int y = 0; y < height; y++) {
        const u8 *row = indices + (y + 2) * STRIDE + 2;
        for (int x = 0; x < width; x++) pixels[y * width + x] = colours[row[x]];
    }
    return FAULT_NONE;
}

#ifndef LB_DECODER_ONLY
#define HASH_BITS 10

size_t palette_encode(const u32 *pixels, int width, int height, u8 *out, size_t room) {
    u32 keys[1 << HASH_BITS], colours[256];
    u8 values[1 << HASH_BITS];
    fill_bytes(keys, 0xFF, sizeof keys);
    int count = 0;
    u32 before = ~0u;
    for (int i = 0; i < width * height; i++) {
        if (pixels[i] == before) continue;
        before = pixels[i];
        u32 slot = before * 2654435761u >> (32 - HASH_BITS);
        while (keys[slot] != ~0u && keys[slot] != before) slot = (slot + 1) & ((1 << HASH_BITS) - 1);
        if (keys[slot] == before) continue;
        if (count == COLOURS_MAX) return 0;
        keys[slot] = colours[count++] = before;
    }
    if (count < 2 || room < 1) return 0;
    for (int gap = count / 2; gap > 0; gap /= 2)
        for (int i = gap; i < count; i++) {
            const u32 it = colours[i];
            int j = i;
            for (; j >= gap && colours[j - gap] > it; j -= gap) colours[j] = colours[j - gap];
            colours[j] = it;
        }
    for (int i = 0; i < count; i++) {
        u32 slot = colours[i] * 2654435761u >> (32 - HASH_BITS);
        while (keys[slot] != colours[i]) slot = (slot + 1) & ((1 << HASH_BITS) - 1);
        values[slot] = (u8)i;
    }
    u8 indices[STRIDE * (TILE_PX + 2)];
    fill_bytes(indices, NOBODY, sizeof indices);
    u8 value = 0;
    before = ~0u;
    for (int y = 0; y < height; y++) {
        u8 *row = indices + (y + 2) * STRIDE + 2;
        for (int x = 0; x < width; x++) {
            const u32 it = pixels[y * width + x];
            if (it != before) {
                before = it;
                u32 slot = it * 2654435761u >> (32 - HASH_BITS);
                while (keys[slot] != it) slot = (slot + 1) & ((1 << HASH_BITS) - 1);
                value = values[slot];
            }
            row[x] = value;
        }
    }
    model m;
    model_init(&m);
    out[0] = (u8)(count - 1);
    coder k = {.low = 0, .high = ~0u, .out = out + 1, .out_end = out + room};
    code_colours(&k, &m, colours, count, 1);
    code_pixels(&k, &m, indices, width, height, count, 1);
    /* The fewest bytes that, followed by zeros, lie between low and high. */
    for (int bytes = 0; bytes <= 4; bytes++) {
        const u32 mask = bytes == 4 ? 0 : ~0u >> (8 * bytes);
        const u32 end = bytes == 0 ? 0 : (k.low + mask) & ~mask;
        if (end < k.low || end > k.high) continue;
        for (int i = 0; i < bytes; i++) {
            if (k.out < k.out_end) *k.out = (u8)(end >> (24 - 8 * i));
            k.out++;
        }
        break;
    }
    if (k.out > k.out_end) return 0;
    while (k.out > out + 1 && k.out[-1] == 0) k.out--;
    return (size_t)(k.out - out);
}
#endif

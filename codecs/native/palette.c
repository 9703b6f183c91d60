/* `palette`: up to 255 colours. Pixels are predicted from their neighbours with adaptive binary arithmetic coding. Lossless.
 *
 * In text, icons and window decorations a pixel nearly always equals the one above or to the left. A context of six comparisons
 * between neighbours learns the shapes within a tile. LZ was rejected: it needs repeats of whole runs, and tiles are too small to
 * gain back the two bytes that a match costs.
 */
#include "tile.h"

#define COLOURS_MAX 255
/* Index of a neighbour outside the tile. It equals no colour. */
#define NO_INDEX 255
/* Bytes from one row of indices to the next, with room for the neighbours of the first and last column. */
#define STRIDE (TILE_PX + 8)
/* A bit model adapts more slowly with every bit, up to this many bits. */
#define COUNT_LIMIT 60

/* An adaptive model of one binary decision. */
typedef struct {
    u16 one;   /* probability that the bit is 1, in 1/65536 */
    u16 count; /* number of bits seen, up to COUNT_LIMIT */
} bit_model;

/* All bit models of a tile. See "Indices" in ../README.md for their contexts. */
typedef struct {
    bit_model row[3], north[64], west[64], north_east[64], north_west[64];
    bit_model literal[17][256];
    bit_model red[256], green[256], blue[256];
} model;

/* The state of the encoder or of the decoder. */
typedef struct {
    u32 low, high, code;
    const u8 *in, *in_end;
    size_t taken; /* bytes that the decoder read, zeros behind the end included */
    u8 *out, *out_end;
} arithmetic_coder;

/* How far `one` moves towards the bit just seen, by count: 65536 / (count + 1.6), in 1/65536. */
static u16 step_of[COUNT_LIMIT + 1];

void palette_init(void) {
    for (u32 count = 0; count <= COUNT_LIMIT; count++) step_of[count] = (u16)(655360 / (10 * count + 16));
}

INLINE void adapt(bit_model *c, u32 bit) {
    const i32 step = step_of[c->count];
    const i32 error = (bit ? 65535 : 0) - (i32)c->one;
    i32 one = c->one + (i32)((i64)error * step / 65536);
    c->one = (u16)(one < 64 ? 64 : one > 65472 ? 65472 : one);
    c->count += c->count < COUNT_LIMIT;
}

INLINE u32 next_byte(arithmetic_coder *k) {
    k->taken++;
    return k->in < k->in_end ? *k->in++ : 0;
}

/* Encodes or decodes one bit. `encoding` is a constant at every call, so that each caller is compiled twice. */
INLINE u32 code_bit(arithmetic_coder *k, bit_model *c, u32 bit, const int encoding) {
    const u32 middle = k->low + (u32)((u64)(k->high - k->low) * c->one >> 16);
    if (!encoding) bit = k->code <= middle;
    if (bit) k->high = middle;
    else k->low = middle + 1;
    adapt(c, bit);
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

/* Encodes or decodes a value of `bits` bits, most significant bit first. `tree` has 1 << bits models. */
INLINE u32 code_tree(arithmetic_coder *k, bit_model *tree, int bits, u32 value, const int encoding) {
    u32 node = 1;
    for (int i = bits - 1; i >= 0; i--) node = node << 1 | code_bit(k, &tree[node], value >> i & 1, encoding);
    return node - (1u << bits);
}

/* Encodes or decodes the colours, in ascending order. */
INLINE int code_colours(arithmetic_coder *k, model *m, u32 *colours, int count, const int encoding) {
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

/* Encodes or decodes the indices. They are surrounded by NO_INDEX: two rows above, two columns to the left, two or more to the right. */
INLINE int code_pixels(arithmetic_coder *k, model *m, u8 *indices, int width, int height, int colours, const int encoding) {
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
            const u32 index = row[x];
            if (n != NO_INDEX && code_bit(k, &m->north[shape], index == n, encoding)) {
                row[x] = (u8)n;
                continue;
            }
            if (w != NO_INDEX && w != n && code_bit(k, &m->west[shape], index == w, encoding)) {
                row[x] = (u8)w;
                continue;
            }
            if (ne != NO_INDEX && ne != n && ne != w && code_bit(k, &m->north_east[shape], index == ne, encoding)) {
                row[x] = (u8)ne;
                continue;
            }
            if (nw != NO_INDEX && nw != n && nw != w && nw != ne && code_bit(k, &m->north_west[shape], index == nw, encoding)) {
                row[x] = (u8)nw;
                continue;
            }
            const u32 value = code_tree(k, m->literal[w == NO_INDEX ? 16 : w >> shift], bits, index, encoding);
            if ((int)value >= colours) return FAULT_ENCODING;
            row[x] = (u8)value;
        }
    }
    return FAULT_NONE;
}

static void model_init(model *m) {
    bit_model *all = (bit_model *)m;
    for (size_t i = 0; i < sizeof(model) / sizeof(bit_model); i++) all[i] = (bit_model){32768, 0};
}

int palette_decode(const u8 *payload, size_t length, int width, int height, u32 *pixels) {
    if (length < 1) return FAULT_TRUNCATED;
    const int count = payload[0] + 1;
    if (count < 2 || count > COLOURS_MAX) return FAULT_ENCODING;
    model m;
    model_init(&m);
    u8 indices[STRIDE * (TILE_PX + 2)];
    fill_bytes(indices, NO_INDEX, sizeof indices);
    u32 colours[256];
    fill_bytes(colours, 0, sizeof colours);
    arithmetic_coder k = {.low = 0, .high = ~0u, .in = payload + 1, .in_end = payload + length};
    for (int i = 0; i < 4; i++) k.code = k.code << 8 | next_byte(&k);
    int fault = code_colours(&k, &m, colours, count, 0);
    if (!fault) fault = code_pixels(&k, &m, indices, width, height, count, 0);
    if (fault) return fault;
    /* The encoder writes no zero byte at the end, and no byte that the decoder does not read. */
    if (k.taken < length - 1 || (length > 1 && payload[length - 1] == 0)) return FAULT_TRAILING;
    for (int y = 0; y < height; y++) {
        const u8 *row = indices + (y + 2) * STRIDE + 2;
        for (int x = 0; x < width; x++) pixels[y * width + x] = colours[row[x]];
    }
    return FAULT_NONE;
}

#ifndef LB_DECODER_ONLY
/* Size of the hash table that counts the colours of a tile: four slots per colour. */
#define HASH_BITS 10
#define HASH_SLOTS (1 << HASH_BITS)

INLINE u32 hash_of(u32 colour) { return colour * 2654435761u >> (32 - HASH_BITS); }

/* The body is the number of colours minus 1, then the arithmetic code. */
size_t palette_encode(const u32 *pixels, int width, int height, u8 *out, size_t capacity) {
    u32 keys[HASH_SLOTS], colours[256];
    u8 values[HASH_SLOTS];
    fill_bytes(keys, 0xFF, sizeof keys);
    int count = 0;
    u32 before = ~0u;
    for (int i = 0; i < width * height; i++) {
        if (pixels[i] == before) continue;
        before = pixels[i];
        u32 slot = hash_of(before);
        while (keys[slot] != ~0u && keys[slot] != before) slot = (slot + 1) & (HASH_SLOTS - 1);
        if (keys[slot] == before) continue;
        if (count == COLOURS_MAX) return 0;
        keys[slot] = colours[count++] = before;
    }
    if (count < 2 || capacity < 1) return 0;
    for (int gap = count / 2; gap > 0; gap /= 2)
        for (int i = gap; i < count; i++) {
            const u32 colour = colours[i];
            int j = i;
            for (; j >= gap && colours[j - gap] > colour; j -= gap) colours[j] = colours[j - gap];
            colours[j] = colour;
        }
    for (int i = 0; i < count; i++) {
        u32 slot = hash_of(colours[i]);
        while (keys[slot] != colours[i]) slot = (slot + 1) & (HASH_SLOTS - 1);
        values[slot] = (u8)i;
    }
    u8 indices[STRIDE * (TILE_PX + 2)];
    fill_bytes(indices, NO_INDEX, sizeof indices);
    u8 value = 0;
    before = ~0u;
    for (int y = 0; y < height; y++) {
        u8 *row = indices + (y + 2) * STRIDE + 2;
        for (int x = 0; x < width; x++) {
            const u32 colour = pixels[y * width + x];
            if (colour != before) {
                before = colour;
                u32 slot = hash_of(colour);
                while (keys[slot] != colour) slot = (slot + 1) & (HASH_SLOTS - 1);
                value = values[slot];
            }
            row[x] = value;
        }
    }
    model m;
    model_init(&m);
    out[0] = (u8)(count - 1);
    arithmetic_coder k = {.low = 0, .high = ~0u, .out = out + 1, .out_end = out + capacity};
    code_colours(&k, &m, colours, count, 1);
    code_pixels(&k, &m, indices, width, height, count, 1);
    /* Ends with the fewest bytes that, followed by zeros, are between low and high. */
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

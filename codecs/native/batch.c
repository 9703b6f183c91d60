/* What Python calls: whole lists of tiles over a BGRX picture of any row stride (bytes). Threads may call it at the same time. */
#include "tile.h"

typedef struct {
    int x, y, width, height;
} cell;

INLINE int cell_of(int tile, int width, int height, cell *c) {
    const int columns = (width + TILE_PX - 1) / TILE_PX, rows = (height + TILE_PX - 1) / TILE_PX;
    if (tile < 0 || tile >= columns * rows) return 0;
    c->x = tile % columns * TILE_PX;
    c->y = tile / columns * TILE_PX;
    c->width = width - c->x < TILE_PX ? width - c->x : TILE_PX;
    c->height = height - c->y < TILE_PX ? height - c->y : TILE_PX;
    return 1;
}

INLINE void take(const u8 *picture, i64 stride, const cell *c, u32 *pixels) {
    for (int y = 0; y < c->height; y++) {
        const u8 *row = picture + (i64)(c->y + y) * stride + (i64)c->x * 4;
        u32 *to = pixels + y * c->width;
        if (c->width == TILE_PX)
            for (int x = 0; x < TILE_PX; x++) to[x] = load32(row + 4 * x) & 0xFFFFFF;
        else
            for (int x = 0; x < c->width; x++) to[x] = load32(row + 4 * x) & 0xFFFFFF;
    }
}

EXPORT(lb_init) void lb_init(void) { tables_init(); }

/* Payloads one after another in out; ends[i] is where payload i ends. Returns the total, -1 for a bad tile number, -2 when `room`
 * could be too small (count * PAYLOAD_MAX never is). */
EXPORT(lb_encode) i64 lb_encode(const u8 *picture, i64 stride, int width, int height, const i32 *tiles, i64 count, u8 *out, i64 room,
                                i64 *ends, u8 *encodings) {
    u32 pixels[TILE_AREA];
    i64 at = 0;
    for (i64 i = 0; i < count; i++) {
        cell c;
        if (!cell_of(tiles[i], width, height, &c)) return -1;
        if (room - at < PAYLOAD_MAX) return -2;
        take(picture, stride, &c, pixels);
        const i64 start = at;
        at += (i64)tile_encode(pixels, c.width, c.height, out + at);
        ends[i] = at;
        encodings[i] = out[start];
    }
    return at;
}

/* Encodes one tile of pixels with a named encoding (tests, vectors). Returns the payload's length, 0 when it cannot be expressed. */
EXPORT(lb_encode_as) i64 lb_encode_as(int encoding, const u8 *picture, i64 stride, int width, int height, u8 *out, i64 room) {
    static size_t (*const encoders[ENC_COUNT])(const u32 *, int, int, u8 *, size_t) = {
        [ENC_SOLID] = solid_encode, [ENC_PALETTE] = palette_encode, [ENC_GREY] = grey_encode,
        [ENC_COLOUR] = colour_encode, [ENC_RAW] = raw_encode,
    };
    u32 pixels[TILE_AREA];
    const cell c = {0, 0, width, height};
    if (encoding < 0 || encoding >= ENC_COUNT || width < 1 || height < 1 || width > TILE_PX || height > TILE_PX || room < 1) return 0;
    take(picture, stride, &c, pixels);
    if (encoding == ENC_GREY)
        for (int i = 0; i < width * height; i++)
            if ((pixels[i] ^ pixels[i] >> 8) & 0xFFFF) return 0;
    out[0] = (u8)encoding;
    const size_t length = encoders[encoding](pixels, width, height, out + 1, (size_t)room - 1);
    return length ? 1 + (i64)length : 0;
}

/* payload[length .. length + READ_AHEAD) must be readable. */
EXPORT(lb_decode) int lb_decode(const u8 *payload, i64 length, int width, int height, u8 *picture, i64 stride) {
    u32 pixels[TILE_AREA];
    const int fault = tile_decode(payload, (size_t)length, width, height, pixels);
    if (fault) return fault;
    for (int y = 0; y < height; y++) copy_bytes(picture + y * stride, pixels + y * width, (size_t)width * 4);
    return FAULT_NONE;
}

EXPORT(lb_digest) int lb_digest(const u8 *picture, i64 stride, int width, int height, const i32 *tiles, i64 count, u64 seed, u64 *digests) {
    u32 pixels[TILE_AREA];
    for (i64 i = 0; i < count; i++) {
        cell c;
        if (!cell_of(tiles[i], width, height, &c)) return -1;
        take(picture, stride, &c, pixels);
        digests[i] = tile_digest(pixels, c.width, c.height, seed);
    }
    return 0;
}

/* Copies the tiles from source to shadow, and digests what was copied: later changes of the source do not matter. */
EXPORT(lb_take) int lb_take(const u8 *source, i64 source_stride, u8 *shadow, i64 shadow_stride, int width, int height, const i32 *tiles,
                            i64 count, u64 seed, u64 *digests) {
    u32 pixels[TILE_AREA];
    for (i64 i = 0; i < count; i++) {
        cell c;
        if (!cell_of(tiles[i], width, height, &c)) return -1;
        take(source, source_stride, &c, pixels);
        for (int y = 0; y < c.height; y++)
            copy_bytes(shadow + (i64)(c.y + y) * shadow_stride + (i64)c.x * 4, pixels + y * c.width, (size_t)c.width * 4);
        digests[i] = tile_digest(pixels, c.width, c.height, seed);
    }
    return 0;
}

/* Copies the tiles that differ; changed[i] tells which. For pictures of which nobody wants the digests. */
EXPORT(lb_renew) int lb_renew(const u8 *source, i64 source_stride, u8 *shadow, i64 shadow_stride, int width, int height,
                              const i32 *tiles, i64 count, u8 *changed) {
    for (i64 i = 0; i < count; i++) {
        cell c;
        if (!cell_of(tiles[i], width, height, &c)) return -1;
        changed[i] = 0;
        for (int y = 0; y < c.height; y++) {
            const u8 *restrict from = source + (i64)(c.y + y) * source_stride + (i64)c.x * 4;
            u8 *restrict to = shadow + (i64)(c.y + y) * shadow_stride + (i64)c.x * 4;
            u32 differs = 0;
            for (int x = 0; x < c.width; x++) {
                const u32 pixel = load32(from + 4 * x) & 0xFFFFFF;
                differs |= pixel ^ load32(to + 4 * x);
                store32(to + 4 * x, pixel);
            }
            changed[i] |= differs != 0;
        }
    }
    return 0;
}

EXPORT(lb_hash) u64 lb_hash(const u8 *data, i64 length, u64 seed) { return hash_bytes(data, (size_t)length, seed); }

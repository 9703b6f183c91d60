/* The functions that Python calls. Each handles a whole list of tiles of a BGRX frame.
 *
 * Strides are in bytes, from one row to the next. Several threads may call these functions at the same time.
 */
#include "tile.h"

typedef struct {
    int x, y, width, height;
} tile_rect;

/* Returns 0 if there is no such tile. */
INLINE int tile_rect_of(int tile, int width, int height, tile_rect *c) {
    const int columns = (width + TILE_PX - 1) / TILE_PX, rows = (height + TILE_PX - 1) / TILE_PX;
    if (tile < 0 || tile >= columns * rows) return 0;
    c->x = tile % columns * TILE_PX;
    c->y = tile / columns * TILE_PX;
    c->width = width - c->x < TILE_PX ? width - c->x : TILE_PX;
    c->height = height - c->y < TILE_PX ? height - c->y : TILE_PX;
    return 1;
}

/* Copies the pixels of a tile to pixels without gaps, and clears their undefined byte. */
INLINE void load_tile(const u8 *frame, i64 stride, const tile_rect *c, u32 *pixels) {
    for (int y = 0; y < c->height; y++) {
        const u8 *row = frame + (i64)(c->y + y) * stride + (i64)c->x * 4;
        u32 *to = pixels + y * c->width;
        if (c->width == TILE_PX)
            for (int x = 0; x < TILE_PX; x++) to[x] = load32(row + 4 * x) & 0xFFFFFF;
        else
            for (int x = 0; x < c->width; x++) to[x] = load32(row + 4 * x) & 0xFFFFFF;
    }
}

EXPORT(lb_init) void lb_init(void) { codec_init(); }

/* Encodes tiles. Writes the payloads one after the other to `out`, where payload i ends at ends[i], and its encoding to encodings[i].
 * Returns the total length, -1 if there is no such tile, or -2 if `capacity` may be too small; count * PAYLOAD_MAX is always enough. */
EXPORT(lb_encode)
i64 lb_encode(const u8 *frame, i64 stride, int width, int height, const i32 *tiles, i64 count, u8 *out, i64 capacity, i64 *ends,
              u8 *encodings) {
    u32 pixels[TILE_AREA];
    i64 at = 0;
    for (i64 i = 0; i < count; i++) {
        tile_rect c;
        if (!tile_rect_of(tiles[i], width, height, &c)) return -1;
        if (capacity - at < PAYLOAD_MAX) return -2;
        load_tile(frame, stride, &c, pixels);
        const i64 start = at;
        at += (i64)tile_encode(pixels, c.width, c.height, out + at);
        ends[i] = at;
        encodings[i] = out[start];
    }
    return at;
}

/* Encodes a frame of the size of a tile with a given encoding, for tests and vectors. Returns the length of the payload, or 0 if the
 * encoding cannot express it within `capacity`. */
EXPORT(lb_encode_as) i64 lb_encode_as(int encoding, const u8 *frame, i64 stride, int width, int height, u8 *out, i64 capacity) {
    u32 pixels[TILE_AREA];
    const tile_rect c = {0, 0, width, height};
    if (encoding < 0 || encoding >= ENC_COUNT || width < 1 || height < 1 || width > TILE_PX || height > TILE_PX || capacity < 1) return 0;
    load_tile(frame, stride, &c, pixels);
    return (i64)tile_encode_as(encoding, pixels, width, height, out, (size_t)capacity);
}

/* Decodes a payload to a frame of the size of its tile. payload[length .. length + READ_AHEAD) must be readable. Returns a fault. */
EXPORT(lb_decode) int lb_decode(const u8 *payload, i64 length, int width, int height, u8 *frame, i64 stride) {
    u32 pixels[TILE_AREA];
    const int fault = tile_decode(payload, (size_t)length, width, height, pixels);
    if (fault) return fault;
    for (int y = 0; y < height; y++) copy_bytes(frame + y * stride, pixels + y * width, (size_t)width * 4);
    return FAULT_NONE;
}

/* Writes the digest of each tile. Returns -1 if there is no such tile, else 0. */
EXPORT(lb_digest)
int lb_digest(const u8 *frame, i64 stride, int width, int height, const i32 *tiles, i64 count, u64 seed, u64 *digests) {
    u32 pixels[TILE_AREA];
    for (i64 i = 0; i < count; i++) {
        tile_rect c;
        if (!tile_rect_of(tiles[i], width, height, &c)) return -1;
        load_tile(frame, stride, &c, pixels);
        digests[i] = tile_digest(pixels, c.width, c.height, seed);
    }
    return 0;
}

/* Copies tiles from source to shadow, and writes to changed[i] whether that changed the shadow: bytes decide, because two different tiles
 * may have the same digest. Returns -1 if there is no such tile, else 0. */
EXPORT(lb_copy_and_compare)
int lb_copy_and_compare(const u8 *source, i64 source_stride, u8 *shadow, i64 shadow_stride, int width, int height, const i32 *tiles,
                        i64 count, u8 *changed) {
    for (i64 i = 0; i < count; i++) {
        tile_rect c;
        if (!tile_rect_of(tiles[i], width, height, &c)) return -1;
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

/* XXH64 of any bytes. */
EXPORT(lb_hash) u64 lb_hash(const u8 *data, i64 length, u64 seed) { return hash_bytes(data, (size_t)length, seed); }

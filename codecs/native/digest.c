/* XXH64, by the algorithm that Yann Collet published, and the digest of a tile. */
#include "tile.h"

#define P1 11400714785074694791ull
#define P2 14029467366897019727ull
#define P3 1609587929392839161ull
#define P4 9650029242287828579ull
#define P5 2870177450012600261ull

INLINE u64 rotate(u64 v, int by) { return v << by | v >> (64 - by); }
INLINE u64 round_of(u64 lane, u64 input) { return rotate(lane + input * P2, 31) * P1; }
INLINE u64 merge(u64 hash, u64 lane) { return (hash ^ round_of(0, lane)) * P1 + P4; }

u64 hash_bytes(const u8 *data, size_t length, u64 seed) {
    const u8 *const end = data + length;
    u64 hash;
    if (length >= 32) {
        u64 a = seed + P1 + P2, b = seed + P2, c = seed, d = seed - P1;
        do {
            a = round_of(a, load64(data));
            b = round_of(b, load64(data + 8));
            c = round_of(c, load64(data + 16));
            d = round_of(d, load64(data + 24));
            data += 32;
        } while (end - data >= 32);
        hash = rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18);
        hash = merge(merge(merge(merge(hash, a), b), c), d);
    } else {
        hash = seed + P5;
    }
    hash += length;
    for (; end - data >= 8; data += 8) hash = rotate(hash ^ round_of(0, load64(data)), 27) * P1 + P4;
    if (end - data >= 4) {
        hash = rotate(hash ^ load32(data) * P1, 23) * P2 + P3;
        data += 4;
    }
    for (; data < end; data++) hash = rotate(hash ^ *data * P5, 11) * P1;
    hash = (hash ^ hash >> 33) * P2;
    hash = (hash ^ hash >> 29) * P3;
    return hash ^ hash >> 32;
}

u64 tile_digest(const u32 *pixels, int width, int height, u64 digest_seed) {
    return hash_bytes((const u8 *)pixels, (size_t)(width * height) * 4, digest_seed ^ ((u64)(u32)width << 32 | (u32)height));
}

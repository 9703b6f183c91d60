/* The tile format: limits, errors and what the files of this folder give each other. Specified in ../README.md.
 *
 * A tile inside the codec is `uint32_t[width * height]`, each pixel 0x00RRGGBB, rows without gaps.
 */
#ifndef LB_TILE_H
#define LB_TILE_H

#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int16_t i16;
typedef int32_t i32;
typedef int64_t i64;

#define TILE_PX 64
#define TILE_AREA (TILE_PX * TILE_PX)
#define PAYLOAD_MAX (1 + 3 * TILE_AREA)
/* Readable bytes that must follow a payload: the plane decoder looks ahead instead of testing each word. */
#define READ_AHEAD 128

#ifdef __wasm__
#define EXPORT(name) __attribute__((export_name(#name)))
#elif defined(_WIN32)
#define EXPORT(name) __declspec(dllexport)
#else
#define EXPORT(name) __attribute__((visibility("default")))
#endif
#define INLINE static inline __attribute__((always_inline))
#define copy_bytes __builtin_memcpy
#define fill_bytes __builtin_memset

/* First byte of a payload. */
enum encoding { ENC_SOLID = 0, ENC_PALETTE = 1, ENC_GREY = 2, ENC_COLOUR = 3, ENC_RAW = 4, ENC_COUNT = 5 };

/* What a decoder answers; 0 is success. The same numbers in native.py and tile_decoder.ts. */
enum fault {
    FAULT_NONE = 0,
    FAULT_TRUNCATED = 1, /* the payload or update ends early */
    FAULT_ENCODING = 2,  /* unknown encoding, or a parameter out of range */
    FAULT_TRAILING = 3,  /* bytes are left over, or the stream does not end where it must */
    FAULT_HEADER = 4,    /* not an update, or reserved bits set */
    FAULT_OPERATION = 5, /* unknown operation */
    FAULT_TILE = 6,      /* no such tile */
    FAULT_SLOT = 7,      /* empty slot, slot number too high, or more than cache_bytes kept */
    FAULT_MOVE = 8,      /* rectangle leaves the picture */
    FAULT_BROKEN = 9,    /* an earlier update failed; only a RESET helps */
    FAULT_MEMORY = 10,   /* no memory */
};

/* Every decode function reads payload[0 .. length) (the encoding byte excluded) and may look READ_AHEAD further. */
int solid_decode(const u8 *payload, size_t length, int width, int height, u32 *pixels);
int palette_decode(const u8 *payload, size_t length, int width, int height, u32 *pixels);
int grey_decode(const u8 *payload, size_t length, int width, int height, u32 *pixels);
int colour_decode(const u8 *payload, size_t length, int width, int height, u32 *pixels);
int raw_decode(const u8 *payload, size_t length, int width, int height, u32 *pixels);

/* Builds the constant tables. Call once before anything else. */
void tables_init(void);

/* Decodes a whole payload; payload[length .. length + READ_AHEAD) must be readable. */
int tile_decode(const u8 *payload, size_t length, int width, int height, u32 *pixels);

#ifndef LB_DECODER_ONLY
/* Every encode function writes to out (room for `room` bytes, encoding byte excluded) and returns the length, or 0 when it does
 * not fit or the tile cannot be expressed. */
size_t solid_encode(const u32 *pixels, int width, int height, u8 *out, size_t room);
size_t palette_encode(const u32 *pixels, int width, int height, u8 *out, size_t room);
size_t grey_encode(const u32 *pixels, int width, int height, u8 *out, size_t room);
size_t colour_encode(const u32 *pixels, int width, int height, u8 *out, size_t room);
size_t raw_encode(const u32 *pixels, int width, int height, u8 *out, size_t room);

/* Picks an encoding; out has room for PAYLOAD_MAX. Returns the payload's length; out[0] is the encoding. */
size_t tile_encode(const u32 *pixels, int width, int height, u8 *out);
#endif

/* XXH64 of a tile's pixels as PROTOCOL.md section 4 has it, and of any bytes. */
u64 hash_bytes(const u8 *data, size_t length, u64 seed);
u64 tile_digest(const u32 *pixels, int width, int height, u64 digest_seed);

INLINE u16 load16(const u8 *at) { u16 v; copy_bytes(&v, at, 2); return v; }
INLINE u32 load32(const u8 *at) { u32 v; copy_bytes(&v, at, 4); return v; }
INLINE u64 load64(const u8 *at) { u64 v; copy_bytes(&v, at, 8); return v; }
INLINE void store16(u8 *at, u16 v) { copy_bytes(at, &v, 2); }
INLINE void store32(u8 *at, u32 v) { copy_bytes(at, &v, 4); }

#endif

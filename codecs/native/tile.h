/* The tile format: its limits, its encodings, its faults, and the functions that the files of this folder share.
 *
 * ../README.md specifies the format. Inside the codec, a tile is `u32[width * height]`: each pixel is 0x00RRGGBB, and rows follow each
 * other without gaps.
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
/* Bytes of the longest payload: `raw` of a whole tile. */
#define PAYLOAD_MAX (1 + 3 * TILE_AREA)
/* Bytes behind a payload that must be readable, because the plane decoder reads ahead instead of testing every word. */
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

/* All encodings: X(number, NAME, name). The number is the first byte of a payload. Adding an encoding here declares its functions and
 * registers them; src/display_codecs/registry.py must list the same encodings. */
#define FOR_EACH_ENCODING(X) \
    X(0, SOLID, solid)       \
    X(1, PALETTE, palette)   \
    X(2, GREY, grey)         \
    X(3, COLOUR, colour)     \
    X(4, RAW, raw)

#define ENCODING_NUMBER(number, NAME, name) ENC_##NAME = number,
enum encoding { FOR_EACH_ENCODING(ENCODING_NUMBER) ENC_COUNT };
#undef ENCODING_NUMBER

/* The result of a decoder; 0 is success. The numbers are those of FAULTS in src/display_codecs/native.py. */
enum fault {
    FAULT_NONE = 0,
    FAULT_TRUNCATED = 1, /* the payload or update ends early */
    FAULT_ENCODING = 2,  /* unknown encoding, or a parameter out of range */
    FAULT_TRAILING = 3,  /* bytes are left over, or the stream does not end as the encoder ends it */
    FAULT_HEADER = 4,    /* not an update, or reserved bits are set */
    FAULT_OPERATION = 5, /* unknown operation */
    FAULT_TILE = 6,      /* no such tile */
    FAULT_SLOT = 7,      /* an empty slot, a slot number that is too high, or more than cache_bytes */
    FAULT_MOVE = 8,      /* a rectangle leaves the frame */
    FAULT_BROKEN = 9,    /* an earlier update failed, and no RESET has come since */
    FAULT_MEMORY = 10,   /* out of memory */
};

/* Each encoding has a NAME_decode function, which decodes the body of a payload: body[0 .. length) follows the encoding byte. The
 * READ_AHEAD bytes behind the body must be readable. Returns a fault. */
typedef int decode_function(const u8 *body, size_t length, int width, int height, u32 *pixels);
#define DECLARE_DECODE(number, NAME, name) decode_function name##_decode;
FOR_EACH_ENCODING(DECLARE_DECODE)
#undef DECLARE_DECODE

/* Builds the constant tables. Call this before any other function. */
void codec_init(void);

/* Decodes a whole payload. payload[length .. length + READ_AHEAD) must be readable. Returns a fault. */
int tile_decode(const u8 *payload, size_t length, int width, int height, u32 *pixels);

#ifndef LB_DECODER_ONLY
/* Each encoding has a NAME_encode function, which writes the body of a payload, without the encoding byte. Returns the length of the body,
 * or 0 if it would be longer than `capacity` or the encoding cannot express the tile. */
typedef size_t encode_function(const u32 *pixels, int width, int height, u8 *out, size_t capacity);
#define DECLARE_ENCODE(number, NAME, name) encode_function name##_encode;
FOR_EACH_ENCODING(DECLARE_ENCODE)
#undef DECLARE_ENCODE

/* Encodes a tile with the encoding that suits it. `out` has room for PAYLOAD_MAX bytes. Returns the length of the payload. */
size_t tile_encode(const u32 *pixels, int width, int height, u8 *out);

/* Encodes a tile with a given encoding, which must exist. Returns the length of the payload, or 0 as an encode_function does. */
size_t tile_encode_as(int encoding, const u32 *pixels, int width, int height, u8 *out, size_t capacity);
#endif

/* XXH64 of any bytes. */
u64 hash_bytes(const u8 *data, size_t length, u64 seed);
/* The digest of a tile (PROTOCOL.md, section 4). */
u64 tile_digest(const u32 *pixels, int width, int height, u64 digest_seed);

INLINE u16 load16(const u8 *at) { u16 v; copy_bytes(&v, at, 2); return v; }
INLINE u32 load32(const u8 *at) { u32 v; copy_bytes(&v, at, 4); return v; }
INLINE u64 load64(const u8 *at) { u64 v; copy_bytes(&v, at, 8); return v; }
INLINE void store16(u8 *at, u16 v) { copy_bytes(at, &v, 2); }
INLINE void store32(u8 *at, u32 v) { copy_bytes(at, &v, 4); }

#endif

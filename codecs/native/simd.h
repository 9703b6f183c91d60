/* Vectors of sixteen bytes for SSE, NEON and WebAssembly from the same source: just the operations that the plane codec needs. */
#ifndef LB_SIMD_H
#define LB_SIMD_H

#include "tile.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif
#if defined(__SSSE3__)
#include <tmmintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#elif defined(__wasm_simd128__)
#include <wasm_simd128.h>
#endif

typedef u8 u8x16 __attribute__((vector_size(16)));
typedef i16 i16x8 __attribute__((vector_size(16)));
typedef i16 i16x16 __attribute__((vector_size(32)));
typedef u64 u64x2 __attribute__((vector_size(16)));

INLINE u8x16 load_lanes(const u8 *at) { u8x16 v; copy_bytes(&v, at, 16); return v; }
INLINE void store_lanes(u8 *at, u8x16 v) { copy_bytes(at, &v, 16); }
INLINE u8x16 splat(u8 v) { return (u8x16){v, v, v, v, v, v, v, v, v, v, v, v, v, v, v, v}; }
INLINE u8x16 select_lanes(u8x16 mask, u8x16 yes, u8x16 no) { return (mask & yes) | (~mask & no); }
INLINE u8x16 min_lanes(u8x16 a, u8x16 b) { return __builtin_elementwise_min(a, b); }
INLINE u8x16 max_lanes(u8x16 a, u8x16 b) { return __builtin_elementwise_max(a, b); }
INLINE u8x16 add_sat(u8x16 a, u8x16 b) { return __builtin_elementwise_add_sat(a, b); }
INLINE u8x16 sub_sat(u8x16 a, u8x16 b) { return __builtin_elementwise_sub_sat(a, b); }
INLINE u8x16 distance(u8x16 a, u8x16 b) { return max_lanes(a, b) - min_lanes(a, b); }

/* Shifts all lanes up by one. Lane 0 becomes `first`. */
INLINE u8x16 shift_in(u8x16 v, u8 first) {
    u8x16 r = __builtin_shufflevector(v, v, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14);
    r[0] = first;
    return r;
}

INLINE u8x16 interleave_low(u8x16 a, u8x16 b) {
    return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}
INLINE u8x16 interleave_high(u8x16 a, u8x16 b) {
    return __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

INLINE i16x8 widen_low(u8x16 v) {
    typedef u8 u8x8 __attribute__((vector_size(8)));
    u8x8 half = __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7);
    return __builtin_convertvector(half, i16x8);
}
INLINE i16x8 widen_high(u8x16 v) {
    typedef u8 u8x8 __attribute__((vector_size(8)));
    u8x8 half = __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15);
    return __builtin_convertvector(half, i16x8);
}

INLINE i16x16 widen(u8x16 v) { return __builtin_convertvector(v, i16x16); }
INLINE i16x16 splat_wide(i16 v) { return (i16x16){v, v, v, v, v, v, v, v, v, v, v, v, v, v, v, v}; }

/* Converts to bytes, clamped to 0 … 255. */
INLINE u8x16 narrow(i16x16 v) {
    const i16x8 low = __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7);
    const i16x8 high = __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15);
#if defined(__SSE2__)
    return (u8x16)_mm_packus_epi16((__m128i)low, (__m128i)high);
#elif defined(__ARM_NEON)
    return (u8x16)vcombine_u8(vqmovun_s16((int16x8_t)low), vqmovun_s16((int16x8_t)high));
#elif defined(__wasm_simd128__)
    return (u8x16)wasm_u8x16_narrow_i16x8((v128_t)low, (v128_t)high);
#else
    u8x16 r;
    for (int i = 0; i < 8; i++) {
        r[i] = (u8)(low[i] < 0 ? 0 : low[i] > 255 ? 255 : low[i]);
        r[i + 8] = (u8)(high[i] < 0 ? 0 : high[i] > 255 ? 255 : high[i]);
    }
    return r;
#endif
}

/* Returns table[index] for each lane of index, which must be below 16. */
INLINE u8x16 look_up(u8x16 table, u8x16 index) {
#if defined(__SSSE3__)
    return (u8x16)_mm_shuffle_epi8((__m128i)table, (__m128i)index);
#elif defined(__ARM_NEON)
    return (u8x16)vqtbl1q_u8((uint8x16_t)table, (uint8x16_t)index);
#elif defined(__wasm_simd128__)
    return (u8x16)wasm_i8x16_swizzle((v128_t)table, (v128_t)index);
#else
    u8x16 r;
    for (int i = 0; i < 16; i++) r[i] = table[index[i] & 15];
    return r;
#endif
}

/* Transposes 16 × 16 bytes: to[j * to_stride + i] = from[i * from_stride + j]. */
INLINE void transpose(const u8 *from, size_t from_stride, u8 *to, size_t to_stride) {
    u8x16 a[16], b[16];
    for (int i = 0; i < 16; i++) a[i] = load_lanes(from + (size_t)i * from_stride);
    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < 8; i++) {
            b[2 * i] = interleave_low(a[i], a[i + 8]);
            b[2 * i + 1] = interleave_high(a[i], a[i + 8]);
        }
        for (int i = 0; i < 16; i++) a[i] = b[i];
    }
    for (int i = 0; i < 16; i++) store_lanes(to + (size_t)i * to_stride, a[i]);
}

/* Adds the lanes of v to a sum, which sum_of() returns. */
INLINE u64x2 accumulate(u64x2 sum, u8x16 v) {
#if defined(__SSE2__)
    return sum + (u64x2)_mm_sad_epu8((__m128i)v, _mm_setzero_si128());
#else
    const i16x8 s = widen_low(v) + widen_high(v);
    sum[0] += (u64)(s[0] + s[1] + s[2] + s[3] + s[4] + s[5] + s[6] + s[7]);
    return sum;
#endif
}
INLINE u32 sum_of(u64x2 sum) { return (u32)(sum[0] + sum[1]); }

INLINE int any_lane(u8x16 v) {
    u64x2 w = (u64x2)v;
    return (w[0] | w[1]) != 0;
}

#endif

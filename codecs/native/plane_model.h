/* Predictors and contexts of the plane codec, for sixteen samples at a time. Encoder and decoder share them. */
#ifndef LB_PLANE_MODEL_H
#define LB_PLANE_MODEL_H

#include "plane.h"
#include "simd.h"

INLINE u8x16 predict(int predictor, u8x16 w, u8x16 n, u8x16 nw, u8x16 ne, u8x16 ww, u8x16 nn) {
    if (predictor == 0) {
        const u8x16 low = min_lanes(w, n), high = max_lanes(w, n);
        return max_lanes(sub_sat(high, sub_sat(nw, low)), low);
    }
    const signed char *k = plane_weights[predictor];
    const i16x16 sum = widen(w) * splat_wide(k[0]) + widen(n) * splat_wide(k[1]) + widen(nw) * splat_wide(k[2]) +
                       widen(ne) * splat_wide(k[3]) + widen(ww) * splat_wide(k[4]) + widen(nn) * splat_wide(k[5]);
    return narrow((sum + splat_wide(8)) >> 4);
}

INLINE u8x16 activity_of(u8x16 w, u8x16 n, u8x16 nw, u8x16 ne, u8x16 ww, u8x16 nn) {
    return add_sat(add_sat(add_sat(distance(w, nw), distance(n, nw)), add_sat(distance(n, ne), distance(w, ww))), distance(n, nn));
}

INLINE u8x16 context_of(u8x16 activity) {
    u8x16 context = splat(0);
    for (int k = 0; k < CONTEXTS - 1; k++) context -= (u8x16)(activity >= splat(plane_thresholds[k]));
    return context;
}

/* Converts a sample to its symbol, and back. If the prediction is black, no sample can be darker, so symbols of both signs say how much
 * lighter the sample is: noise that was clipped at black then uses only half of the symbols. */
INLINE u8x16 symbol_for(u8x16 sample, u8x16 predicted) {
    const u8x16 black = (u8x16)(predicted == splat(0));
    const u8x16 folded = (sample >> 1) ^ (splat(0) - (sample & splat(1)));
    return select_lanes(black, folded, sample - predicted);
}
INLINE u8x16 sample_for(u8x16 symbol, u8x16 predicted) {
    const u8x16 black = (u8x16)(predicted == splat(0));
    const u8x16 unfolded = (symbol + symbol) ^ (u8x16)(symbol >= splat(128));
    return select_lanes(black, unfolded, symbol + predicted);
}

#endif

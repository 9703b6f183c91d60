/* Constants of the plane codec: predictors, contexts, and the distributions of symbols. */
#include "plane.h"

/* Weights of W, N, NW, NE, WW and NN, in sixteenths. Entry 0 is unused: that predictor is the median edge detector (MED). The others
 * were fitted one after the other to tiles of CT, MR and radiographs, upright and transposed, with and without noise. */
const signed char plane_weights[PREDICTORS][6] = {
    {0, 0, 0, 0, 0, 0}, {12, 5, -1, 6, -2, -4}, {4, 19, -1, 2, 1, -9}, {4, 4, 2, 4, 1, 1},
    {17, 0, 1, 4, -7, 1}, {16, 16, -16, 0, 0, 0}, {25, -14, 6, 10, -10, -1}, {1, 27, -1, 1, 0, -12},
    {15, 8, -4, 4, -3, -4}, {7, 7, 0, 4, -1, -1}, {-7, 2, 22, -1, 0, 0}, {10, 16, -4, 2, -2, -6},
    {11, 1, -3, 8, 2, -3}, {7, 8, -5, 8, 0, -2}, {0, 16, 0, 0, 0, 0}, {11, -10, 2, 16, -1, -2},
};

/* The activity |W-NW| + |N-NW| + |N-NE| + |W-WW| + |N-NN|, saturated at 255, is in context k if it reaches exactly k thresholds. */
const u8 plane_thresholds[CONTEXTS - 1] = {1, 4, 7, 11, 17, 28, 60};

/* Decay of each distribution, in 1/65536. */
static const u16 decay[TABLES] = {
    30,    120,   400,   1000,  2200,  4000,  6400,  9300,  12500, 16000, 19600, 23200, 26800, 30300, 33700, 36900,
    39900, 42700, 45300, 47700, 49900, 51900, 53700, 55350, 56850, 58200, 59500, 60700, 61800, 62800, 63700, 64500,
};

u16 plane_frequency[TABLES][256];
u16 plane_cumulative[TABLES][256];

/* Builds a logistic distribution with a thin long tail. It uses integers only, so that every implementation gets the same table. */
static void build(int table) {
    u32 weight[128];
    u64 sum = 0;
    const u64 theta = decay[table], theta_tail = 65536 - (65536 - theta) / 3;
    u64 power = 65536, tail = theta;
    for (int r = 0; r < 128; r++) {
        const u64 side = 65536 + power;
        weight[r] = (u32)((power << 32) / (side * side) + (tail >> 9));
        sum += r ? 2 * (u64)weight[r] : weight[r];
        power = power * theta >> 16;
        tail = tail * theta_tail >> 16;
    }
    u32 used = 0;
    u64 escaped = 0;
    for (int r = 0; r < 128; r++) {
        const u32 f = (u32)((u64)weight[r] * 4090 / sum);
        const int copies = r ? 2 : 1;
        if (f == 0) escaped += (u64)copies * weight[r];
        plane_frequency[table][r] = (u16)f;
        if (r) plane_frequency[table][256 - r] = (u16)f;
        used += (u32)copies * f;
    }
    u32 escape = 2 + (u32)(escaped * 4090 / sum);
    if (escape > 4096 - used) escape = 4096 - used;
    plane_frequency[table][ESCAPE] = (u16)escape;
    plane_frequency[table][0] = (u16)(plane_frequency[table][0] + 4096 - used - escape);
    u32 cumulative = 0;
    for (int symbol = 0; symbol < 256; symbol++) {
        plane_cumulative[table][symbol] = (u16)cumulative;
        cumulative += plane_frequency[table][symbol];
    }
}

void plane_tables_init(void) {
    for (int table = 0; table < TABLES; table++) build(table);
}

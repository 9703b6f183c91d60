/* The encoder of planes.
 *
 * It chooses predictor and tables from vectors along the rows, and then encodes the symbols with rANS, in the reverse of the decoder's
 * order.
 */
#include "plane_model.h"

/* The constants to encode a symbol with a table, by Fabian Giesen's rANS step without division. */
typedef struct {
    u32 limit;      /* a state at or above this writes a word first */
    u32 reciprocal;
    u32 bias;
    u16 complement; /* 4096 - frequency */
    u16 shift;
} symbol_coder;

static symbol_coder symbol_coders[TABLES << 8]; /* by table << 8 | symbol */
static u8 magnitude_max[TABLES]; /* by table: a symbol of larger magnitude must be escaped */
/* By table: from this mean |residual| on, in 1/256, the next table is better. */
static u32 mean_limit[TABLES - 1];

/* The mean |residual| that a table expects, in 1/256. */
static u32 expected_mean(int table) {
    u64 sum = 0;
    for (int symbol = 0; symbol < 256; symbol++)
        if (symbol != ESCAPE) sum += (u64)plane_frequency[table][symbol] * (u32)(symbol < 128 ? symbol : 256 - symbol);
    return (u32)(sum >> 4); /* a table has 4096 samples */
}

void plane_encoder_init(void) {
    for (int table = 0; table < TABLES; table++) {
        for (int symbol = 0; symbol < 256; symbol++) {
            const u32 f = plane_frequency[table][symbol], c = plane_cumulative[table][symbol];
            symbol_coder *k = &symbol_coders[table << 8 | symbol];
            if (f == 0) continue;
            k->limit = f << 16;
            if (symbol < ESCAPE && symbol > magnitude_max[table]) magnitude_max[table] = (u8)symbol;
            k->complement = (u16)(STATE_LOW - f);
            if (f == 1) {
                k->reciprocal = ~0u;
                k->shift = 0;
                k->bias = c + STATE_LOW - 1;
            } else {
                u32 shift = 0;
                while (f > 1u << shift) shift++;
                k->reciprocal = (u32)((((u64)1 << (shift + 31)) + f - 1) / f);
                k->shift = (u16)(shift - 1);
                k->bias = c;
            }
        }
    }
    /* The limit between two tables is half way between the means that they expect. */
    for (int table = 0; table < TABLES - 1; table++)
        mean_limit[table] = (u32)(((u64)expected_mean(table) + expected_mean(table + 1)) / 2);
}

typedef struct {
    u8x16 w, n, nw, ne, ww, nn, x;
} neighbours;

INLINE neighbours load_neighbours(const u8 *row, const u8 *north, const u8 *north2, int top, int x) {
    neighbours a;
    a.x = load_lanes(row + x);
    a.w = load_lanes(row + x - 1);
    a.ww = load_lanes(row + x - 2);
    if (top) {
        a.n = a.nw = a.ne = a.nn = a.w;
    } else {
        a.n = load_lanes(north + x);
        a.nw = load_lanes(north + x - 1);
        a.ne = load_lanes(north + x + 1);
        a.nn = load_lanes(north2 + x);
    }
    return a;
}

/* Sets the margins that row y reads: to the left of row y and of the row above, the first sample above; to the right of the row above,
 * its last sample. */
static void set_margins(u8 *plane, int y, int width) {
    u8 *row = plane_row(plane, y);
    if (y == 0) {
        row[-1] = row[-2] = 0;
        return;
    }
    u8 *north = row - PLANE_STRIDE;
    row[-1] = row[-2] = north[-1] = north[0];
    north[width] = north[width - 1];
}

INLINE u8x16 tail_mask(int x, int width) {
    const u8x16 lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    return (u8x16)(lane < splat((u8)(width - x > 16 ? 16 : width - x)));
}

INLINE u8x16 error_of(const neighbours *a, const u8x16 mask, int predictor) {
    return distance(predict(predictor, a->w, a->n, a->nw, a->ne, a->ww, a->nn), a->x) & mask;
}

/* Returns the predictor with the smallest sum of errors over every fourth row. */
static int choose_predictor(u8 *plane, int width, int height) {
    u64x2 errors[PREDICTORS] = {0};
    for (int y = height > 4 ? 3 : 0; y < height; y += 4) {
        const u8 *row = plane_row(plane, y);
        set_margins(plane, y, width);
        for (int x = 0; x < width; x += 16) {
            const neighbours a = load_neighbours(row, row - PLANE_STRIDE, row - (y > 1 ? 2 : 1) * PLANE_STRIDE, y == 0, x);
            const u8x16 mask = tail_mask(x, width);
            errors[0] = accumulate(errors[0], error_of(&a, mask, 0));
#pragma clang loop unroll(full)
            for (int p = 1; p < PREDICTORS; p++) errors[p] = accumulate(errors[p], error_of(&a, mask, p));
        }
    }
    int best = 0;
    for (int p = 1; p < PREDICTORS; p++)
        if (sum_of(errors[p]) < sum_of(errors[best])) best = p;
    return best;
}

typedef struct {
    /* Row y is in lane y % 16, after y / 16 periods. A step of the decoder is then a diagonal with a constant slope. */
    u8 residual[LANES * TILE_PX * 4 + 64];
    u8 context[LANES * TILE_PX * 4 + 64];
} scheduled;

#define LANE_CAPACITY (TILE_PX * 4)

/* Computes residuals and contexts in the order of the schedule, and for each context the sum of |residual| and the number of samples
 * of this and all higher contexts. */
INLINE void model(u8 *plane, int predictor, int width, int height, int period, scheduled *s, u32 *sums, u32 *counts) {
    u64x2 sum[CONTEXTS] = {0}, count[CONTEXTS] = {0};
    for (int y = 0; y < height; y++) {
        const u8 *row = plane_row(plane, y);
        set_margins(plane, y, width);
        const int at = (y % LANES) * LANE_CAPACITY + (y / LANES) * period;
        for (int x = 0; x < width; x += 16) {
            const neighbours a = load_neighbours(row, row - PLANE_STRIDE, row - (y > 1 ? 2 : 1) * PLANE_STRIDE, y == 0, x);
            const u8x16 mask = tail_mask(x, width);
            const u8x16 residual = symbol_for(a.x, predict(predictor, a.w, a.n, a.nw, a.ne, a.ww, a.nn));
            const u8x16 activity = activity_of(a.w, a.n, a.nw, a.ne, a.ww, a.nn);
            const u8x16 size = min_lanes(residual, splat(0) - residual) & mask;
            u8x16 context = splat(0);
            sum[0] = accumulate(sum[0], size);
#pragma clang loop unroll(full)
            for (int k = 1; k < CONTEXTS; k++) {
                const u8x16 over = (u8x16)(activity >= splat(plane_thresholds[k - 1])) & mask;
                context -= over;
                sum[k] = accumulate(sum[k], size & over);
                count[k] = accumulate(count[k], over & splat(1));
            }
            store_lanes(s->residual + at + x, residual);
            store_lanes(s->context + at + x, context);
        }
    }
    for (int k = 0; k < CONTEXTS; k++) sums[k] = sum_of(sum[k]), counts[k] = sum_of(count[k]);
    counts[0] = (u32)(width * height);
}

static u8 choose_table(u32 sum, u32 count) {
    if (count == 0) return 0;
    const u32 mean = (sum << 8) / count;
    int low = 0, high = TABLES - 1;
    while (low < high) {
        const int middle = (low + high) / 2;
        if (mean >= mean_limit[middle]) low = middle + 1;
        else high = middle;
    }
    return (u8)low;
}

typedef struct {
    u32 states[STATES];
    u8 *at; /* the last word written; the next one goes below */
} writer;

INLINE void emit_word(u32 *x, u8 **at, u32 over) {
    const u32 full = *x >= over;
    store16(*at - 2, (u16)*x);
    *at -= 2 * full;
    *x = full ? *x >> 16 : *x;
}

INLINE void put_symbol(u32 *x, u8 **at, const symbol_coder *k) {
    emit_word(x, at, k->limit);
    const u32 q = (u32)((u64)*x * k->reciprocal >> 32) >> k->shift;
    *x += k->bias + q * k->complement;
}

/* Returns the lanes that have a pixel at step t, as bits. */
INLINE u32 active_lanes(int t, int width, int height, int period) {
    u32 active = 0;
    for (int i = 0; i < LANES; i++) {
        const int s = t - LAG * i;
        const int band = (s >= period) + (s >= 2 * period) + (s >= 3 * period) + (s >= 4 * period);
        active |= (u32)((s >= 0) & (s - band * period < width) & (i + LANES * band < height)) << i;
    }
    return active;
}

/* Encodes the schedule of one plane, backwards. */
static void put_plane(writer *w, const scheduled *s, const plane_head *head, int width, int height, int period) {
    const int bands = (height + LANES - 1) / LANES, steps = period * bands + LAG * (LANES - 1);
    const int full_from = LAG * (LANES - 1), full_to = width == period ? period * (height / LANES) : 0;
    /* Reorders residuals and contexts from lanes to steps. */
    u8 residuals[STEPS_CAPACITY * LANES], contexts[STEPS_CAPACITY * LANES];
    for (int t = 0; t < steps; t += LANES) {
        transpose(s->residual + t, LANE_CAPACITY - LAG, residuals + t * LANES, LANES);
        transpose(s->context + t, LANE_CAPACITY - LAG, contexts + t * LANES, LANES);
    }
    u8 magnitudes_max[16] = {0};
    for (int k = 0; k < CONTEXTS; k++) magnitudes_max[k] = magnitude_max[head->tables[k]];
    const u8x16 table_of_context = load_lanes(head->tables), magnitude_max_of_context = load_lanes(magnitudes_max);

    u32 x[STATES];
    for (int i = 0; i < STATES; i++) x[i] = w->states[i];
    u8 *at = w->at;
    for (int t = steps - 1; t >= 0; t--) {
        const u8x16 symbol = load_lanes(residuals + t * LANES), context = load_lanes(contexts + t * LANES);
        const u8x16 table = look_up(table_of_context, context);
        const u8x16 escape = (u8x16)(min_lanes(symbol, splat(0) - symbol) > look_up(magnitude_max_of_context, context));
        u16 codes[LANES]; /* table << 8 | symbol */
        store_lanes((u8 *)codes, interleave_low(symbol, table));
        store_lanes((u8 *)(codes + 8), interleave_high(symbol, table));
        if (t >= full_from && t < full_to && !any_lane(escape)) {
            for (int i = LANES - 1; i >= 0; i--) put_symbol(&x[i & 7], &at, &symbol_coders[codes[i]]);
            continue;
        }
        const u32 active = active_lanes(t, width, height, period);
        for (int i = LANES - 1; i >= 0; i--) {
            if (!(active >> i & 1 && escape[i])) continue;
            emit_word(&x[i & 7], &at, 1u << 20);
            x[i & 7] = x[i & 7] << 8 | (codes[i] & 255);
            codes[i] = (u16)((codes[i] & 0xFF00) | ESCAPE);
        }
        for (int i = LANES - 1; i >= 0; i--)
            if (active >> i & 1) put_symbol(&x[i & 7], &at, &symbol_coders[codes[i]]);
    }
    for (int i = 0; i < STATES; i++) w->states[i] = x[i];
    w->at = at;
}

size_t plane_encode(u8 *const *planes, int count, int width, int height, u8 *out, size_t capacity) {
    const int period = width < 32 ? 32 : width;
    plane_head heads[3];
    scheduled schedule[3];
    for (int p = 0; p < count; p++) {
        u32 sums[CONTEXTS] = {0}, counts[CONTEXTS] = {0};
        const int predictor = choose_predictor(planes[p], width, height);
        heads[p].predictor = (u8)predictor;
        if (predictor == 0) model(planes[p], 0, width, height, period, &schedule[p], sums, counts);
        else model(planes[p], predictor, width, height, period, &schedule[p], sums, counts);
        for (int k = 0; k < CONTEXTS - 1; k++) sums[k] -= sums[k + 1], counts[k] -= counts[k + 1];
        for (int k = 0; k < CONTEXTS; k++) heads[p].tables[k] = choose_table(sums[k], counts[k]);
    }
    u8 words[3 * TILE_AREA * 4 + 16]; /* at most two words per sample */
    writer w = {.at = words + sizeof words};
    for (int i = 0; i < STATES; i++) w.states[i] = STATE_LOW;
    for (int p = count - 1; p >= 0; p--) put_plane(&w, &schedule[p], &heads[p], width, height, period);

    const size_t head = (size_t)count * HEAD_BYTES + STATE_BYTES, body = (size_t)(words + sizeof words - w.at);
    if (head + body > capacity) return 0;
    for (int p = 0; p < count; p++) {
        u64 bits = heads[p].predictor;
        for (int k = 0; k < CONTEXTS; k++) bits |= (u64)heads[p].tables[k] << (4 + 5 * k);
        store32(out, (u32)bits);
        store16(out + 4, (u16)(bits >> 32));
        out += HEAD_BYTES;
    }
    for (int i = 0; i < STATES; i++) store16(out + 2 * i, (u16)w.states[i]);
    for (int i = 0; i < STATES; i += 2) {
        const u32 nibbles = w.states[i] >> 16 | w.states[i + 1] >> 16 << 12;
        store16(out + 16 + i / 2 * 3, (u16)nibbles);
        out[16 + i / 2 * 3 + 2] = (u8)(nibbles >> 16);
    }
    copy_bytes(out + STATE_BYTES, w.at, body);
    return head + body;
}

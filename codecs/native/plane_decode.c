/* The decoder of planes.
 *
 * It decodes sixteen rows at a time, each two pixels behind the row above. So it computes predictions and contexts with vectors, and
 * the sixteen entropy decoders hide each other's latency.
 */
#include "plane_model.h"

static u8 symbol_of[TABLES << PROBABILITY_BITS]; /* by table << PROBABILITY_BITS | slot */
static u32 range_of[TABLES << 8];                /* by table << 8 | symbol: frequency << 16 | cumulative frequency */

void plane_decoder_init(void) {
    for (int table = 0; table < TABLES; table++)
        for (int symbol = 0; symbol < 256; symbol++) {
            const u32 f = plane_frequency[table][symbol], c = plane_cumulative[table][symbol];
            range_of[table << 8 | symbol] = f << 16 | c;
            for (u32 i = 0; i < f; i++) symbol_of[((u32)table << PROBABILITY_BITS) + c + i] = (u8)symbol;
        }
}

int plane_open(plane_reader *reader, plane_head *heads, int planes, const u8 *payload, size_t length) {
    const size_t head_bytes = (size_t)planes * HEAD_BYTES;
    if (length < head_bytes + STATE_BYTES) return FAULT_TRUNCATED;
    for (int plane = 0; plane < planes; plane++) {
        const u64 bits = load32(payload) | (u64)load16(payload + 4) << 32;
        if (bits >> 44) return FAULT_ENCODING;
        heads[plane].predictor = (u8)(bits & 15);
        for (int i = 0; i < 16; i++) heads[plane].tables[i] = i < CONTEXTS ? (u8)(bits >> (4 + 5 * i) & 31) : 0;
        payload += HEAD_BYTES;
    }
    for (int s = 0; s < STATES; s++) {
        const u32 nibbles = load16(payload + 16 + s / 2 * 3) | (u32)payload[16 + s / 2 * 3 + 2] << 16;
        reader->states[s] = load16(payload + 2 * s) | (s & 1 ? nibbles >> 12 : nibbles & 0xFFF) << 16;
        if (reader->states[s] < STATE_LOW) return FAULT_ENCODING;
    }
    reader->at = payload + STATE_BYTES;
    reader->end = payload - head_bytes + length;
    return FAULT_NONE;
}

int plane_close(const plane_reader *reader) {
    for (int s = 0; s < STATES; s++)
        if (reader->states[s] != STATE_LOW) return FAULT_TRAILING;
    return reader->at == reader->end ? FAULT_NONE : FAULT_TRAILING;
}

/* Decodes one symbol with the state x. `at` advances if the state reads a word. */
#define TAKE_SYMBOL(x, table, symbol)                                        \
    do {                                                                     \
        const u32 slot_ = (x) & (STATE_LOW - 1);                             \
        (symbol) = symbol_of[((table) << PROBABILITY_BITS) + slot_];      \
        const u32 range_ = range_of[((table) << 8) + (symbol)];           \
        const u32 next_ = (range_ >> 16) * ((x) >> PROBABILITY_BITS) + slot_ - (range_ & 0xFFFF); \
        const u32 short_ = next_ < STATE_LOW;                                \
        (x) = next_ << (short_ << 4) | (load16(at) & (0 - short_));          \
        at += 2 * short_;                                                    \
    } while (0)

INLINE int decode_with(plane_reader *reader, const plane_head *head, const int linear, int width, int height, u8 *samples) {
    const int period = width < 32 ? 32 : width;
    const int bands = (height + LANES - 1) / LANES;
    const int steps = period * bands + LAG * (LANES - 1);
    /* In these steps all sixteen lanes have a pixel: from the start of the last lane until the last full band ends in lane 0. */
    const int full_from = LAG * (LANES - 1), full_to = width == period ? period * (height / LANES) : 0;
    /* The samples of each step, after one period of zeros for the row above the first one. */
    u8 out[(TILE_PX + STEPS_CAPACITY) * LANES];
    fill_bytes(out, 0, TILE_PX * LANES);
    u8 *step_out = out + TILE_PX * LANES;
    const int predictor = linear ? head->predictor : 0;

    const u8x16 table_of_context = load_lanes(head->tables);
    const u8x16 lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    const u8x16 first_lane = (u8x16)(lane == splat(0)), second_lane = (u8x16)(lane == splat(1));
    u8x16 column = splat(0) - lane - lane; /* wraps to 226 or more before the lane starts */
    u8x16 v = splat(0), w_before = splat(0), n = splat(0), nw, ne = splat(0), n_1 = splat(0), n_2 = splat(0);
    u32 x[STATES];
    for (int s = 0; s < STATES; s++) x[s] = reader->states[s];
    const u8 *at = reader->at;
    const u8 *const end = reader->end;

    for (int t = 0; t < steps; t++, step_out += LANES) {
        /* The row above a lane is the previous lane, two steps ago. Above lane 0 is lane 15 of the previous band. */
        const u8 *above = step_out - (period - LAG * (LANES - 1)) * LANES;
        nw = n;
        n = ne;
        ne = shift_in(v, above[LANES + 15]);
        u8x16 nn = shift_in(n_2, above[14 - LAG * LANES]);
        n_2 = n_1;
        n_1 = n;
        u8x16 w = v, ww = w_before, north = n, north_west = nw;
        const u8x16 at_left = (u8x16)(column == splat(0)), at_right = (u8x16)(column == splat((u8)(width - 1)));
        u8x16 north_east = select_lanes(at_right, north, ne);
        if (t < period + LAG) {
            const u8x16 top = t < period ? first_lane : splat(0);
            const u8x16 left_zero = at_left & top;
            w = select_lanes(at_left, select_lanes(left_zero, splat(0), north), w);
            ww = select_lanes(at_left, w, ww);
            north_west = select_lanes(at_left, w, north_west);
            north = select_lanes(top, w, north);
            north_west = select_lanes(top, w, north_west);
            north_east = select_lanes(top, w, north_east);
            nn = select_lanes(top, w, nn);
            nn = select_lanes(t >= LAG ? second_lane : splat(0), north, nn);
        } else {
            w = select_lanes(at_left, north, w);
            ww = select_lanes(at_left, north, ww);
            north_west = select_lanes(at_left, north, north_west);
        }
        w_before = w;
        const u8x16 predicted = predict(predictor, w, north, north_west, north_east, ww, nn);
        const u8x16 tables = look_up(table_of_context, context_of(activity_of(w, north, north_west, north_east, ww, nn)));
        const u64 tables_low = ((u64x2)tables)[0], tables_high = ((u64x2)tables)[1];

        u64 low = 0, high = 0;
        if (t >= full_from && t < full_to) {
#define LANE(i, tables64, symbols64)                                        \
    {                                                                       \
        const u32 table_ = (u32)((tables64) >> (8 * ((i) & 7))) & 255;      \
        u32 symbol_;                                                        \
        TAKE_SYMBOL(x[(i) & 7], table_, symbol_);                           \
        symbols64 |= (u64)symbol_ << (8 * ((i) & 7));                       \
    }
            LANE(0, tables_low, low) LANE(1, tables_low, low) LANE(2, tables_low, low) LANE(3, tables_low, low)
            LANE(4, tables_low, low) LANE(5, tables_low, low) LANE(6, tables_low, low) LANE(7, tables_low, low)
            LANE(8, tables_high, high) LANE(9, tables_high, high) LANE(10, tables_high, high) LANE(11, tables_high, high)
            LANE(12, tables_high, high) LANE(13, tables_high, high) LANE(14, tables_high, high) LANE(15, tables_high, high)
#undef LANE
        } else {
            for (int i = 0; i < LANES; i++) {
                const int s = t - LAG * i, band = s / period;
                if (s < 0 || s - band * period >= width || i + LANES * band >= height) continue;
                const u32 table = (u32)((i < 8 ? tables_low : tables_high) >> (8 * (i & 7))) & 255;
                u32 symbol;
                TAKE_SYMBOL(x[i & 7], table, symbol);
                if (i < 8) low |= (u64)symbol << (8 * i);
                else high |= (u64)symbol << (8 * (i - 8));
            }
        }
        u8x16 residual = (u8x16)(u64x2){low, high};
        if (any_lane((u8x16)(residual == splat(ESCAPE)))) {
            /* The plain bits of escapes come from the same states, after the symbols of the step. */
            for (int i = 0; i < LANES; i++) {
                if (residual[i] != ESCAPE) continue;
                u32 *state = &x[i & 7];
                residual[i] = (u8)*state;
                *state >>= 8;
                if (*state < STATE_LOW) {
                    *state = *state << 16 | load16(at);
                    at += 2;
                }
            }
        }
        if (at > end) return FAULT_TRUNCATED;
        v = sample_for(residual, predicted);
        store_lanes(step_out, v);
        column += splat(1);
        column = column & ~(u8x16)(column == splat((u8)period));
    }
    reader->at = at;
    for (int s = 0; s < STATES; s++) reader->states[s] = x[s];

    /* Reorders the samples from steps to rows. */
    u8 rows[LANES * STEPS_CAPACITY];
    for (int t = 0; t < steps; t += LANES) transpose(out + (TILE_PX + t) * LANES, LANES, rows + t, STEPS_CAPACITY);
    for (int y = 0; y < height; y++)
        copy_bytes(samples + y * TILE_PX, rows + y % LANES * (STEPS_CAPACITY + LAG) + y / LANES * period, (size_t)width);
    return FAULT_NONE;
}

int plane_decode(plane_reader *reader, const plane_head *head, int width, int height, u8 *samples) {
    return head->predictor ? decode_with(reader, head, 1, width, height, samples) : decode_with(reader, head, 0, width, height, samples);
}

/* One plane of 8-bit samples: predictor, activity context, 16-lane wavefront, rANS. Shared by grey.c and colour.c. */
#ifndef LB_PLANE_H
#define LB_PLANE_H

#include "tile.h"

#define LANES 16
#define STATES 8
#define LAG 2
#define HEAD_BYTES 6                     /* predictor and tables of one plane */
#define STATE_BYTES 28                   /* eight states of 28 bits */
#define CONTEXTS 8
#define TABLES 32
#define PREDICTORS 16
#define PROBABILITY_BITS 12
#define STATE_LOW (1u << PROBABILITY_BITS) /* a state below takes a word */
#define ESCAPE 0x80                      /* symbol: the residual follows as 8 plain bits */
#define STEPS_CAPACITY 288 /* four bands and the last lane's lag, in whole vectors */

typedef struct {
    const u8 *at, *end;
    u32 states[STATES];
} plane_reader;

typedef struct {
    u8 predictor;
    u8 tables[16]; /* first CONTEXTS used */
} plane_head;

/* Checks and takes `planes` heads and the states; FAULT_* on error. */
int plane_open(plane_reader *reader, plane_head *heads, int planes, const u8 *payload, size_t length);
/* Decodes the next plane into samples (rows of TILE_PX). */
int plane_decode(plane_reader *reader, const plane_head *head, int width, int height, u8 *samples);
/* Checks that the stream ends as the encoder began it. */
int plane_close(const plane_reader *reader);

#ifndef LB_DECODER_ONLY
/* Rows of PLANE_STRIDE with margins, so that neighbours can be read without tests. */
#define PLANE_STRIDE 96
#define PLANE_LEFT 16
#define PLANE_BYTES (PLANE_STRIDE * TILE_PX)
INLINE u8 *plane_row(u8 *plane, int y) { return plane + y * PLANE_STRIDE + PLANE_LEFT; }

/* Codes the planes (margins are overwritten) as one stream: heads, states, words. Returns the length or 0 if over `capacity`. */
size_t plane_encode(u8 *const *planes, int count, int width, int height, u8 *out, size_t capacity);
#endif

/* Shared constant tables. */
extern const signed char plane_weights[PREDICTORS][6];
extern const u8 plane_thresholds[CONTEXTS - 1];
extern u16 plane_frequency[TABLES][256];  /* of symbol; 0: must be escaped */
extern u16 plane_cumulative[TABLES][256];
void plane_tables_init(void);
#endif

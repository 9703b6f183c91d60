/* A codec for planes of 8-bit samples: predictor, activity context, and rANS in 16 lanes. grey.c and colour.c share it.
 *
 * "Planes" in ../README.md specifies the format.
 */
#ifndef LB_PLANE_H
#define LB_PLANE_H

#include "tile.h"

#define LANES 16         /* rows that are coded side by side */
#define STATES 8         /* rANS states; lane i uses state i mod STATES */
#define LAG 2            /* steps by which a lane is behind the lane above it */
#define HEAD_BYTES 6     /* predictor and tables of one plane */
#define STATE_BYTES 28   /* eight states of 28 bits */
#define CONTEXTS 8       /* classes of activity; each has a table */
#define TABLES 32        /* distributions of symbols */
#define PREDICTORS 16
#define PROBABILITY_BITS 12 /* the frequencies of a table add up to 1 << PROBABILITY_BITS */
#define STATE_LOW (1u << PROBABILITY_BITS) /* a state below reads a word */
#define ESCAPE 0x80        /* the symbol that says that the residual follows as 8 plain bits */
#define STEPS_CAPACITY 288 /* steps for four bands and the lag of the last lane, in whole vectors */

typedef struct {
    const u8 *at, *end;
    u32 states[STATES];
} plane_reader;

typedef struct {
    u8 predictor;
    u8 tables[16]; /* the table of each context; a whole vector, of which the first CONTEXTS are used */
} plane_head;

/* Reads and checks the heads of `planes` planes, and the states. Returns a fault. */
int plane_open(plane_reader *reader, plane_head *heads, int planes, const u8 *payload, size_t length);
/* Decodes the next plane to samples, whose rows are TILE_PX apart. Returns a fault. */
int plane_decode(plane_reader *reader, const plane_head *head, int width, int height, u8 *samples);
/* Checks that the stream ends in the state in which the encoder began. Returns a fault. */
int plane_close(const plane_reader *reader);

#ifndef LB_DECODER_ONLY
/* A plane for the encoder has margins around its rows, so that all neighbours can be read without tests. */
#define PLANE_STRIDE 96
#define PLANE_LEFT 16
#define PLANE_BYTES (PLANE_STRIDE * TILE_PX)
INLINE u8 *plane_row(u8 *plane, int y) { return plane + y * PLANE_STRIDE + PLANE_LEFT; }

/* Encodes the planes as one stream: heads, states, words. Overwrites the margins. Returns the length, or 0 if it exceeds `capacity`. */
size_t plane_encode(u8 *const *planes, int count, int width, int height, u8 *out, size_t capacity);
#endif

/* Constant tables of encoder and decoder. */
extern const signed char plane_weights[PREDICTORS][6];
extern const u8 plane_thresholds[CONTEXTS - 1];
extern u16 plane_frequency[TABLES][256];  /* of each symbol; a symbol of frequency 0 must be escaped */
extern u16 plane_cumulative[TABLES][256];
void plane_tables_init(void);
#endif

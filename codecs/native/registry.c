/* Finds the functions of an encoding, and chooses an encoding for a tile. */
#include "tile.h"

/* Each builds the constant tables of its file. */
void plane_tables_init(void);
void plane_decoder_init(void);
void plane_encoder_init(void);
void palette_init(void);

#define DECODE_ENTRY(number, NAME, name) [ENC_##NAME] = name##_decode,
static decode_function *const decoders[ENC_COUNT] = {FOR_EACH_ENCODING(DECODE_ENTRY)};

void codec_init(void) {
    palette_init();
    plane_tables_init();
    plane_decoder_init();
#ifndef LB_DECODER_ONLY
    plane_encoder_init();
#endif
}

int tile_decode(const u8 *payload, size_t length, int width, int height, u32 *pixels) {
    if (length < 1) return FAULT_TRUNCATED;
    if (payload[0] >= ENC_COUNT) return FAULT_ENCODING;
    return decoders[payload[0]](payload + 1, length - 1, width, height, pixels);
}

#ifndef LB_DECODER_ONLY
#define ENCODE_ENTRY(number, NAME, name) [ENC_##NAME] = name##_encode,
static encode_function *const encoders[ENC_COUNT] = {FOR_EACH_ENCODING(ENCODE_ENTRY)};

/* What one pass over the pixels finds. */
typedef struct {
    int grey;  /* whether R = G = B everywhere */
    int solid; /* whether all pixels are equal */
    int edges; /* number of pixels that equal neither the one to the left nor the one above */
    int steep; /* number of edges whose green differs by more than STEEP from the pixel to the left */
} tile_traits;

/* Text differs by more than this from its background; the levels of noise differ by less. */
#define STEEP 24

static tile_traits inspect(const u32 *pixels, int width, int height) {
    tile_traits traits = {.grey = 1, .solid = 1};
    const int count = width * height;
    u32 differs = 0, tinted = 0;
    for (int i = 0; i < count; i++) {
        differs |= pixels[i] ^ pixels[0];
        tinted |= (pixels[i] ^ pixels[i] >> 8) & 0xFFFF;
    }
    traits.solid = differs == 0;
    traits.grey = tinted == 0;
    if (traits.solid) return traits;
    for (int y = 1; y < height; y++) {
        const u32 *row = pixels + y * width, *above = row - width;
        int edges = 0, steep = 0;
        for (int x = 1; x < width; x++) {
            const int edge = (row[x] != row[x - 1]) & (row[x] != above[x]);
            const int step = (int)(row[x] >> 8 & 255) - (int)(row[x - 1] >> 8 & 255);
            edges += edge;
            steep += edge & ((step > STEEP) | (step < -STEEP));
        }
        traits.edges += edges;
        traits.steep += steep;
    }
    return traits;
}

size_t tile_encode_as(int encoding, const u32 *pixels, int width, int height, u8 *out, size_t capacity) {
    if (capacity < 1) return 0;
    out[0] = (u8)encoding;
    const size_t length = encoders[encoding](pixels, width, height, out + 1, capacity - 1);
    return length ? 1 + length : 0;
}

size_t tile_encode(const u32 *pixels, int width, int height, u8 *out) {
    const tile_traits traits = inspect(pixels, width, height);
    const int count = width * height;
    const size_t capacity = 1 + (size_t)(3 * count);
    size_t length = 0;
    if (traits.solid) return tile_encode_as(ENC_SOLID, pixels, width, height, out, capacity);
    /* Many edges mean a photograph or noise, for which planes are smaller and five times as fast as a palette. In grey tiles fewer edges
     * suffice, unless they are as steep as those of text. */
    const int pixels_per_edge_min = traits.grey && traits.steep * 4 < traits.edges ? 32 : 3;
    if (traits.edges * pixels_per_edge_min < count) length = tile_encode_as(ENC_PALETTE, pixels, width, height, out, capacity);
    if (!length) length = tile_encode_as(traits.grey ? ENC_GREY : ENC_COLOUR, pixels, width, height, out, capacity);
    if (!length) length = tile_encode_as(ENC_RAW, pixels, width, height, out, capacity);
    return length;
}
#endif

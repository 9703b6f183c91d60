/* The one place that knows all encodings. */
#include "tile.h"

void plane_tables_init(void);
void plane_decoder_init(void);
void plane_encoder_init(void);
void palette_init(void);

static int (*const decoders[ENC_COUNT])(const u8 *, size_t, int, int, u32 *) = {
    [ENC_SOLID] = solid_decode, [ENC_PALETTE] = palette_decode, [ENC_GREY] = grey_decode,
    [ENC_COLOUR] = colour_decode, [ENC_RAW] = raw_decode,
};

void tables_init(void) {
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
/* What one look at the pixels tells. */
typedef struct {
    int grey; /* R = G = B everywhere */
    int solid;
    int edges; /* pixels that equal neither the one to the left nor the one above */
    int steep; /* edges whose green is more than STEEP from the one to the left */
} looks;

/* Steps between text and its ground, not between shades of noise. */
#define STEEP 24

static looks look(const u32 *pixels, int width, int height) {
    looks l = {.grey = 1, .solid = 1};
    const int count = width * height;
    u32 differs = 0, tinted = 0;
    for (int i = 0; i < count; i++) {
        differs |= pixels[i] ^ pixels[0];
        tinted |= (pixels[i] ^ pixels[i] >> 8) & 0xFFFF;
    }
    l.solid = differs == 0;
    l.grey = tinted == 0;
    if (l.solid) return l;
    for (int y = 1; y < height; y++) {
        const u32 *row = pixels + y * width, *above = row - width;
        int edges = 0, steep = 0;
        for (int x = 1; x < width; x++) {
            const int edge = (row[x] != row[x - 1]) & (row[x] != above[x]);
            const int step = (int)(row[x] >> 8 & 255) - (int)(row[x - 1] >> 8 & 255);
            edges += edge;
            steep += edge & ((step > STEEP) | (step < -STEEP));
        }
        l.edges += edges;
        l.steep += steep;
    }
    return l;
}

size_t tile_encode(const u32 *pixels, int width, int height, u8 *out) {
    const looks l = look(pixels, width, height);
    const int count = width * height;
    const size_t room = (size_t)(3 * count);
    size_t length = 0;
    if (l.solid) {
        out[0] = ENC_SOLID;
        return 1 + solid_encode(pixels, width, height, out + 1, room);
    }
    /* Where many pixels are new it is a photograph or noise: planes are smaller and five times as quick. Grey pictures get there
     * earlier, unless their edges are those of text. */
    const int flat = l.grey && l.steep * 4 < l.edges ? 32 : 3;
    if (l.edges * flat < count) {
        out[0] = ENC_PALETTE;
        length = palette_encode(pixels, width, height, out + 1, room);
    }
    if (!length && l.grey) {
        out[0] = ENC_GREY;
        length = grey_encode(pixels, width, height, out + 1, room);
    }
    if (!length && !l.grey) {
        out[0] = ENC_COLOUR;
        length = colour_encode(pixels, width, height, out + 1, room);
    }
    if (!length) {
        out[0] = ENC_RAW;
        length = raw_encode(pixels, width, height, out + 1, room);
    }
    return 1 + length;
}
#endif

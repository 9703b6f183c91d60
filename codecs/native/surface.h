/* The decoded frame, the tile cache and the digests of one monitor, on the viewer's side. */
#ifndef LB_SURFACE_H
#define LB_SURFACE_H

#include "tile.h"

#define CHUNK_BYTES 248   /* cached bytes per chunk, so that a chunk is 256 bytes with 64-bit pointers */
#define BLOCK_CHUNKS 256  /* chunks that are allocated at once */
#define PAGE_SLOTS 4096   /* slots that are allocated at once */
#define SLOT_PAGES 256
#define SLOTS_MAX (PAGE_SLOTS * SLOT_PAGES) /* slot numbers are below this */
#define DIRTY_MAX 16      /* most rectangles of surface_dirty */
#define PAYLOAD_CAPACITY (PAYLOAD_MAX + CHUNK_BYTES + READ_AHEAD) /* room to collect a cached payload */
/* Indices in `counts` after those of the encodings. */
#define COUNT_CACHED ENC_COUNT
#define COUNT_MOVED (ENC_COUNT + 1)
#define COUNTS (ENC_COUNT + 2)

typedef struct chunk {
    struct chunk *next;
    u8 bytes[CHUNK_BYTES];
} chunk;

typedef struct {
    chunk *first;
    u32 length; /* 0 for an empty slot */
} slot_entry;

typedef struct {
    int width, height, columns, rows;
    u64 seed;
    u32 cache_limit, cached_bytes; /* bytes of payloads, without those that chunks waste */
    int broken; /* whether an update failed half way, so that only a RESET can follow */
    u32 *pixels; /* the decoded frame: RGBA, rows without gaps */
    u64 *digests; /* of each tile, as last given to surface_digest */
    u16 *digested_tiles; /* the tiles that the last surface_digest digested */
    u8 *touched; /* 1 for each tile that the last update changed */
    u32 counts[COUNTS]; /* operations of the last update, by encoding, COUNT_CACHED and COUNT_MOVED */
    i32 dirty[DIRTY_MAX][4]; /* x, y, width, height; filled by surface_dirty */
    int dirty_count;
    chunk *free_chunks;
    slot_entry *pages[SLOT_PAGES];
} surface;

/* Allocates memory that is never freed. Returns 0 if there is none. The program that uses this file provides the function. */
void *heap_alloc(size_t bytes);

/* Returns a black surface with an empty cache, or 0 if the size is invalid or memory is missing. The first update must be a RESET. */
surface *surface_create(int width, int height, u64 seed, u32 cache_limit);
/* Applies a whole update. update[length .. length + READ_AHEAD) must be readable. Returns a fault; then either nothing was applied, or
 * `broken` is set. */
int surface_apply(surface *s, const u8 *update, size_t length);
/* Computes the rectangles `dirty`, which cover all `touched` tiles. Returns their number. */
int surface_dirty(surface *s);
/* Digests the tiles that are completely inside a tile-aligned rectangle, given its RGBA pixels as read back from the screen. Returns the
 * number of tiles, or -1 for an invalid rectangle. */
int surface_digest(surface *s, const u8 *rgba, size_t stride, int x, int y, int width, int height);
/* Returns the root digest over all `digests`. */
u64 surface_root(const surface *s);

#endif

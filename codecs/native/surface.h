/* A viewer's side of one monitor. See surface.c. */
#ifndef LB_SURFACE_H
#define LB_SURFACE_H

#include "tile.h"

#define CHUNK_BYTES 248
#define BLOCK_CHUNKS 256
#define PAGE_SLOTS 4096
#define SLOT_PAGES 256
#define SLOTS_MAX (PAGE_SLOTS * SLOT_PAGES) /* slot numbers from 0 */
#define DIRTY_MAX 16
#define PAYLOAD_CAPACITY (PAYLOAD_MAX + CHUNK_BYTES + READ_AHEAD)
/* Places in `counts` behind the encodings. */
#define COUNT_CACHED ENC_COUNT
#define COUNT_MOVED (ENC_COUNT + 1)
#define COUNTS (ENC_COUNT + 2)

typedef struct chunk {
    struct chunk *next;
    u8 bytes[CHUNK_BYTES];
} chunk;

typedef struct {
    chunk *first;
    u32 length; /* 0: empty */
} slot_entry;

typedef struct {
    int width, height, columns, rows;
    u64 seed;
    u32 cache_limit, cached_bytes; /* bytes of payloads */
    int broken;
    u32 *pixels; /* RGBA, rows without gaps */
    u64 *digests; /* of each tile as last given to surface_digest */
    u16 *digested_tiles; /* tiles that the last surface_digest digested */
    u8 *touched; /* 1 for each tile that the last update changed */
    u32 counts[COUNTS];
    i32 dirty[DIRTY_MAX][4]; /* x, y, width, height */
    int dirty_count;
    chunk *free_chunks;
    slot_entry *pages[SLOT_PAGES];
} surface;

/* Memory that lives as long as the surface; 0 when there is none. Provided by the host. */
void *heap_alloc(size_t bytes);

surface *surface_create(int width, int height, u64 seed, u32 cache_limit);
/* update[length .. length + READ_AHEAD) must be readable. FAULT_* on error: then nothing was applied, or `broken` is set. */
int surface_apply(surface *s, const u8 *update, size_t length);
/* Fills `dirty` from `touched`; returns how many. */
int surface_dirty(surface *s);
/* Digests the tiles wholly inside the tile-aligned rectangle, whose RGBA pixels are given; returns how many, -1 for a bad rectangle. */
int surface_digest(surface *s, const u8 *rgba, size_t stride, int x, int y, int width, int height);
u64 surface_root(const surface *s);

#endif

/* The functions that the browser calls. An instance serves one monitor. Addresses are offsets into the exported memory. */
#include "surface.h"

#define PAGE_BYTES 65536u

extern u8 __heap_base;

static u8 *heap_top;
static surface *monitor;
static u8 *input;
static u32 input_capacity;

void *heap_alloc(size_t bytes) {
    if (!heap_top) heap_top = &__heap_base;
    const size_t start = ((size_t)heap_top + 15) & ~(size_t)15;
    const u64 end = (u64)start + bytes;
    const u64 have = (u64)__builtin_wasm_memory_size(0) * PAGE_BYTES;
    if (end > have) {
        /* Grow by more than needed, because growing detaches the views that the page has of the memory. */
        u64 pages = (end - have + PAGE_BYTES - 1) / PAGE_BYTES;
        if (have + pages * PAGE_BYTES > 0xFFFF0000u) return 0;
        if (__builtin_wasm_memory_grow(0, (u32)pages + 15) == (size_t)-1 && __builtin_wasm_memory_grow(0, (u32)pages) == (size_t)-1) return 0;
    }
    heap_top = (u8 *)(size_t)end;
    return (void *)start;
}

/* Creates the surface. Call this once, before all others. Returns a fault. */
EXPORT(create) int create(int width, int height, u64 seed, u32 cache_bytes) {
    codec_init();
    monitor = surface_create(width, height, seed, cache_bytes);
    return monitor ? FAULT_NONE : FAULT_MEMORY;
}

/* Returns where the caller is to write `bytes` of an update or of pixels; 0 if there is no memory. Valid until the next call. */
EXPORT(input_buffer) u8 *input_buffer(u32 bytes) {
    if (bytes > 0x7FFFFFFF) return 0;
    const u32 wanted = bytes + READ_AHEAD;
    if (wanted > input_capacity) {
        const u32 size = wanted < input_capacity * 2 ? input_capacity * 2 : wanted < 65536 ? 65536 : wanted;
        u8 *place = heap_alloc(size);
        if (!place) return 0;
        input = place;
        input_capacity = size;
    }
    return input;
}

/* Applies the update that was written to the input buffer. Returns a fault. */
EXPORT(apply) int apply(u32 length) {
    if (!input || length > input_capacity - READ_AHEAD) return FAULT_TRUNCATED;
    const int fault = surface_apply(monitor, input, length);
    if (!fault) surface_dirty(monitor);
    return fault;
}

/* Digests the pixels that were written to the input buffer. Returns the number of tiles, or -1 for an invalid rectangle. */
EXPORT(digest) int digest(u32 stride, int x, int y, int width, int height) {
    if (!input || width < 1 || height < 1 || stride < (u32)width * 4 ||
        (u64)stride * (u32)(height - 1) + (u32)width * 4 > input_capacity - READ_AHEAD)
        return -1;
    return surface_digest(monitor, input, stride, x, y, width, height);
}

/* The following return the fields of the surface (surface.h). */
EXPORT(root) u64 root(void) { return surface_root(monitor); }
EXPORT(pixels) u32 *pixels(void) { return monitor->pixels; }
EXPORT(touched) u8 *touched(void) { return monitor->touched; }
EXPORT(counts) u32 *counts(void) { return monitor->counts; }
EXPORT(dirty) i32 *dirty(void) { return monitor->dirty[0]; }
EXPORT(dirty_count) int dirty_count(void) { return monitor->dirty_count; }
EXPORT(digested_tiles) u16 *digested_tiles(void) { return monitor->digested_tiles; }
EXPORT(digests) u64 *digests(void) { return monitor->digests; }
EXPORT(cached_bytes) u32 cached_bytes(void) { return monitor->cached_bytes; }
/* Decodes the payload that was written to the input buffer, and replaces it there by its pixels, 0x00RRGGBB. Returns a fault. For the
 * golden vectors. */
EXPORT(decode_tile) int decode_tile(u32 length, int width, int height) {
    static u32 tile[TILE_AREA];
    if (!input || length > input_capacity - READ_AHEAD || width < 1 || height < 1 || width > TILE_PX || height > TILE_PX) return FAULT_TRUNCATED;
    const int fault = tile_decode(input, length, width, height, tile);
    if (!fault) copy_bytes(input, tile, (size_t)(width * height) * 4);
    return fault;
}

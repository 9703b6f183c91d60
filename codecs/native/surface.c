/* Applies updates to the frame of one monitor, on the viewer's side (PROTOCOL.md, section 3).
 *
 * It also keeps the tile cache, records which tiles an update touched, and digests pixels that were read back from the screen. The same
 * code runs in browsers (wasm.c) and in a test program.
 */
#include "surface.h"

#define HEADER_BYTES 16
#define OP_TILE 0
#define OP_STORE 1
#define OP_CACHED 2
#define OP_MOVE 3
#define FLAG_RESET 1
#define FLAG_PARTIAL 2

INLINE u32 to_rgba(u32 p) { return 0xFF000000u | (p & 0xFF) << 16 | (p & 0xFF00) | p >> 16; }
INLINE u32 from_rgba(u32 p) { return (p & 0xFF) << 16 | (p & 0xFF00) | (p >> 16 & 0xFF); }

/* ---- The tile cache. Payloads are stored in chunks, so that no sequence of sizes can fragment the memory. ---- */

static slot_entry *find_slot(surface *s, u32 slot, int make) {
    const u32 page = slot / PAGE_SLOTS;
    if (!s->pages[page]) {
        if (!make) return 0;
        s->pages[page] = heap_alloc(PAGE_SLOTS * sizeof(slot_entry));
        if (!s->pages[page]) return 0;
        fill_bytes(s->pages[page], 0, PAGE_SLOTS * sizeof(slot_entry));
    }
    return &s->pages[page][slot % PAGE_SLOTS];
}

static void free_slot(surface *s, slot_entry *entry) {
    for (chunk *c = entry->first; c;) {
        chunk *const next = c->next;
        c->next = s->free_chunks;
        s->free_chunks = c;
        c = next;
    }
    s->cached_bytes -= entry->length;
    entry->first = 0;
    entry->length = 0;
}

static chunk *alloc_chunk(surface *s) {
    if (!s->free_chunks) {
        chunk *block = heap_alloc(BLOCK_CHUNKS * sizeof(chunk));
        if (!block) return 0;
        for (int i = 0; i < BLOCK_CHUNKS; i++) {
            block[i].next = s->free_chunks;
            s->free_chunks = &block[i];
        }
    }
    chunk *const c = s->free_chunks;
    s->free_chunks = c->next;
    c->next = 0;
    return c;
}

static int store_payload(surface *s, u32 slot, const u8 *payload, u32 length) {
    slot_entry *const entry = find_slot(s, slot, 1);
    if (!entry) return FAULT_MEMORY;
    free_slot(s, entry);
    if (s->cached_bytes + length > s->cache_limit) return FAULT_SLOT;
    chunk **link = &entry->first;
    s->cached_bytes += length;
    entry->length = length;
    for (u32 at = 0; at < length; at += CHUNK_BYTES) {
        chunk *const c = alloc_chunk(s);
        if (!c) {
            /* Drop the incomplete payload, so that the length of the slot agrees with its chunks. */
            s->cached_bytes -= length;
            entry->length = 0;
            for (chunk *old = entry->first; old;) {
                chunk *const next = old->next;
                old->next = s->free_chunks;
                s->free_chunks = old;
                old = next;
            }
            entry->first = 0;
            return FAULT_MEMORY;
        }
        copy_bytes(c->bytes, payload + at, length - at < CHUNK_BYTES ? length - at : CHUNK_BYTES);
        *link = c;
        link = &c->next;
    }
    return FAULT_NONE;
}

static void clear_cache(surface *s) {
    for (u32 page = 0; page < SLOT_PAGES; page++) {
        if (!s->pages[page]) continue;
        for (u32 i = 0; i < PAGE_SLOTS; i++) free_slot(s, &s->pages[page][i]);
    }
}

/* ---- Operations ---- */

INLINE void mark_touched(surface *s, int tile) { s->touched[tile] = 1; }

static void tile_rect_of(const surface *s, int tile, int *x, int *y, int *width, int *height) {
    *x = tile % s->columns * TILE_PX;
    *y = tile / s->columns * TILE_PX;
    *width = s->width - *x < TILE_PX ? s->width - *x : TILE_PX;
    *height = s->height - *y < TILE_PX ? s->height - *y : TILE_PX;
}

static int draw_payload(surface *s, int tile, const u8 *payload, u32 length) {
    int x, y, width, height;
    tile_rect_of(s, tile, &x, &y, &width, &height);
    u32 pixels[TILE_AREA];
    const int fault = tile_decode(payload, length, width, height, pixels);
    if (fault) return fault;
    for (int row = 0; row < height; row++) {
        u32 *to = s->pixels + (size_t)(y + row) * s->width + x;
        const u32 *from = pixels + row * width;
        for (int i = 0; i < width; i++) to[i] = to_rgba(from[i]);
    }
    mark_touched(s, tile);
    return FAULT_NONE;
}

static int draw_cached(surface *s, int tile, u32 slot) {
    const slot_entry *const entry = find_slot(s, slot, 0);
    if (!entry || !entry->length) return FAULT_SLOT;
    u8 payload[PAYLOAD_CAPACITY];
    u32 at = 0;
    for (const chunk *c = entry->first; c; c = c->next, at += CHUNK_BYTES)
        copy_bytes(payload + at, c->bytes, entry->length - at < CHUNK_BYTES ? entry->length - at : CHUNK_BYTES);
    fill_bytes(payload + entry->length, 0, READ_AHEAD);
    s->counts[payload[0] < ENC_COUNT ? payload[0] : 0]++;
    return draw_payload(s, tile, payload, entry->length);
}

static void move(surface *s, int x, int y, int width, int height, int dx, int dy) {
    for (int i = 0; i < height; i++) {
        const int row = dy > 0 ? height - 1 - i : i;
        u32 *to = s->pixels + (size_t)(y + row) * s->width + x;
        __builtin_memmove(to, to - (ptrdiff_t)dy * s->width - dx, (size_t)width * 4);
    }
    for (int row = y / TILE_PX; row <= (y + height - 1) / TILE_PX; row++)
        for (int column = x / TILE_PX; column <= (x + width - 1) / TILE_PX; column++) mark_touched(s, row * s->columns + column);
}

/* Checks the operation at `at`, executes it if `apply` is set, and advances `at` to the next one. Returns a fault. */
static int run_operation(surface *s, const u8 **at_, const u8 *end, int apply) {
    const u8 *at = *at_;
    const size_t left = (size_t)(end - at);
    const u8 op = at[0];
    if (op == OP_MOVE) {
        if (left < 13) return FAULT_TRUNCATED;
        const int x = load16(at + 1), y = load16(at + 3), width = load16(at + 5), height = load16(at + 7);
        const int dx = (i16)load16(at + 9), dy = (i16)load16(at + 11);
        *at_ = at + 13;
        if (!width || !height || x + width > s->width || y + height > s->height || x < dx || y < dy ||
            x - dx + width > s->width || y - dy + height > s->height)
            return FAULT_MOVE;
        if (apply) {
            move(s, x, y, width, height, dx, dy);
            s->counts[COUNT_MOVED]++;
        }
        return FAULT_NONE;
    }
    if (op > OP_MOVE) return FAULT_OPERATION;
    const size_t head = op == OP_TILE ? 5 : op == OP_STORE ? 9 : 7;
    if (left < head) return FAULT_TRUNCATED;
    const int tile = load16(at + 1);
    if (tile >= s->columns * s->rows) return FAULT_TILE;
    const u32 slot = op == OP_TILE ? 0 : load32(at + 3);
    if (slot >= SLOTS_MAX) return FAULT_SLOT;
    if (op == OP_CACHED) {
        *at_ = at + 7;
        if (!apply) return FAULT_NONE;
        s->counts[COUNT_CACHED]++;
        return draw_cached(s, tile, slot);
    }
    const u32 length = load16(at + head - 2);
    if (left - head < length) return FAULT_TRUNCATED;
    if (length < 1) return FAULT_TRUNCATED;
    if (length > PAYLOAD_MAX) return FAULT_TRAILING;
    at += head;
    *at_ = at + length;
    if (at[0] >= ENC_COUNT) return FAULT_ENCODING;
    if (!apply) return FAULT_NONE;
    s->counts[at[0]]++;
    const int fault = op == OP_STORE ? store_payload(s, slot, at, length) : FAULT_NONE;
    return fault ? fault : draw_payload(s, tile, at, length);
}

int surface_apply(surface *s, const u8 *update, size_t length) {
    s->dirty_count = 0;
    fill_bytes(s->touched, 0, (size_t)(s->columns * s->rows));
    fill_bytes(s->counts, 0, sizeof s->counts);
    if (length < HEADER_BYTES) return FAULT_TRUNCATED;
    const u8 flags = update[1];
    if (update[0] != 1 || flags & ~(FLAG_RESET | FLAG_PARTIAL)) return FAULT_HEADER;
    if (s->broken && !(flags & FLAG_RESET)) return FAULT_BROKEN;
    /* Check the whole update first, so that most malformed updates change nothing. */
    const u8 *const end = update + length;
    for (const u8 *at = update + HEADER_BYTES; at < end;) {
        const int fault = run_operation(s, &at, end, 0);
        if (fault) return fault;
    }
    if (flags & FLAG_RESET) {
        clear_cache(s);
        for (size_t i = 0; i < (size_t)s->width * s->height; i++) s->pixels[i] = 0xFF000000u;
        fill_bytes(s->touched, 1, (size_t)(s->columns * s->rows));
        s->broken = 0;
    }
    for (const u8 *at = update + HEADER_BYTES; at < end;) {
        const int fault = run_operation(s, &at, end, 1);
        if (fault) {
            s->broken = 1; /* the update was applied in part */
            return fault;
        }
    }
    return FAULT_NONE;
}

/* ---- Rectangles of touched tiles ---- */

int surface_dirty(surface *s) {
    int count = 0;
    for (int row = 0; row < s->rows; row++) {
        const u8 *touched = s->touched + row * s->columns;
        for (int from = 0; from < s->columns;) {
            if (!touched[from]) {
                from++;
                continue;
            }
            int to = from;
            while (to < s->columns && touched[to]) to++;
            const int x = from * TILE_PX, y = row * TILE_PX;
            const int width = (to * TILE_PX < s->width ? to * TILE_PX : s->width) - x;
            const int height = (y + TILE_PX < s->height ? y + TILE_PX : s->height) - y;
            int joined = 0;
            for (int i = count - 1; i >= 0 && !joined; i--) {
                i32 *d = s->dirty[i];
                if (d[0] != x || d[2] != width || d[1] + d[3] != y) continue;
                d[3] += height;
                joined = 1;
            }
            if (!joined && count == DIRTY_MAX) {
                /* There are too many rectangles: extend the last one over this one. */
                i32 *d = s->dirty[count - 1];
                const int right = d[0] + d[2] > x + width ? d[0] + d[2] : x + width;
                const int bottom = d[1] + d[3] > y + height ? d[1] + d[3] : y + height;
                d[0] = d[0] < x ? d[0] : x;
                d[1] = d[1] < y ? d[1] : y;
                d[2] = right - d[0];
                d[3] = bottom - d[1];
            } else if (!joined) {
                i32 *d = s->dirty[count++];
                d[0] = x;
                d[1] = y;
                d[2] = width;
                d[3] = height;
            }
            from = to;
        }
    }
    s->dirty_count = count;
    return count;
}

/* ---- Digests of pixels that were read back ---- */

int surface_digest(surface *s, const u8 *rgba, size_t stride, int x, int y, int width, int height) {
    if (x < 0 || y < 0 || width < 1 || height < 1 || x % TILE_PX || y % TILE_PX || x + width > s->width || y + height > s->height) return -1;
    u32 pixels[TILE_AREA];
    int count = 0;
    for (int top = y; top < y + height; top += TILE_PX)
        for (int left = x; left < x + width; left += TILE_PX) {
            const int tile = top / TILE_PX * s->columns + left / TILE_PX;
            int cx, cy, cw, ch;
            tile_rect_of(s, tile, &cx, &cy, &cw, &ch);
            if (cx + cw > x + width || cy + ch > y + height) continue;
            for (int row = 0; row < ch; row++) {
                const u8 *from = rgba + (size_t)(cy - y + row) * stride + (size_t)(cx - x) * 4;
                for (int i = 0; i < cw; i++) pixels[row * cw + i] = from_rgba(load32(from + 4 * i));
            }
            s->digests[tile] = tile_digest(pixels, cw, ch, s->seed);
            s->digested_tiles[count++] = (u16)tile;
        }
    return count;
}

u64 surface_root(const surface *s) {
    return hash_bytes((const u8 *)s->digests, (size_t)(s->columns * s->rows) * 8, s->seed);
}

surface *surface_create(int width, int height, u64 seed, u32 cache_limit) {
    if (width < 1 || height < 1 || width > 32768 || height > 32768) return 0;
    const int columns = (width + TILE_PX - 1) / TILE_PX, rows = (height + TILE_PX - 1) / TILE_PX;
    if (columns * rows > 65535) return 0;
    surface *s = heap_alloc(sizeof(surface));
    if (!s) return 0;
    fill_bytes(s, 0, sizeof(surface));
    s->width = width;
    s->height = height;
    s->columns = columns;
    s->rows = rows;
    s->seed = seed;
    s->cache_limit = cache_limit;
    s->broken = 1; /* the first update must be a RESET */
    const size_t tiles = (size_t)(columns * rows);
    s->pixels = heap_alloc((size_t)width * height * 4);
    s->digests = heap_alloc(tiles * 8);
    s->digested_tiles = heap_alloc(tiles * 2);
    s->touched = heap_alloc(tiles);
    if (!s->pixels || !s->digests || !s->digested_tiles || !s->touched) return 0;
    for (size_t i = 0; i < (size_t)width * height; i++) s->pixels[i] = 0xFF000000u;
    fill_bytes(s->digests, 0, tiles * 8);
    fill_bytes(s->touched, 0, tiles);
    return s;
}

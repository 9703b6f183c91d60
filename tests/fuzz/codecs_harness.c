/* Throws mutated payloads and updates at the decoder. Built with traps for undefined behaviour and array bounds; inputs and pictures end
 * at pages that must not be touched. Any access out of bounds ends the process by a signal, and a chunk of the tile cache that was lost
 * ends it with 5.
 *
 *   codecs_harness SEED ROUNDS CORPUS      prints "payloads ACCEPTED/ALL updates ACCEPTED/ALL"
 *
 * CORPUS: for each item u8 kind (0 payload, 1 update), u16 width, u16 height, u32 length, bytes.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "surface.h"

#define ITEMS_MAX 4096
#define HEAP_BYTES (64u << 20)

typedef struct {
    int kind, width, height;
    u32 length;
    const u8 *bytes;
} item;

static u64 state;
static u32 draw(u32 below) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (u32)(state >> 33) % below;
}

/* `bytes` that end right before a forbidden page. */
static u8 *guarded(size_t bytes) {
    const size_t pages = (bytes + 4095) / 4096 * 4096;
    u8 *base = mmap(0, pages + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED || mprotect(base + pages, 4096, PROT_NONE)) exit(3);
    return base + pages - bytes;
}

static u8 *heap;
static size_t heap_used;
static size_t heap_begun;
void *heap_alloc(size_t bytes) {
    const size_t start = (heap_used + 15) & ~(size_t)15;
    if (bytes > HEAP_BYTES - start) return 0;
    heap_used = start + bytes;
    return heap + start;
}

static long count_chunks(const chunk *c) {
    long count = 0;
    for (; c; c = c->next) count++;
    return count;
}

/* Whether memory was allocated since `heap_begun` that is neither a page of slots nor a chunk, free or part of a payload. */
static int has_leak(const surface *s) {
    size_t pages = 0, chunks = (size_t)count_chunks(s->free_chunks);
    for (u32 page = 0; page < SLOT_PAGES; page++) {
        if (!s->pages[page]) continue;
        pages++;
        for (u32 i = 0; i < PAGE_SLOTS; i++) chunks += (size_t)count_chunks(s->pages[page][i].first);
    }
    return heap_used - heap_begun != pages * PAGE_SLOTS * sizeof(slot_entry) + chunks * sizeof(chunk);
}

static u32 mutate(u8 *data, u32 length, u32 room, const item *other) {
    const u32 times = 1 + draw(4);
    for (u32 i = 0; i < times && length; i++) {
        const u32 at = draw(length);
        switch (draw(8)) {
        case 0: data[at] ^= (u8)(1u << draw(8)); break;
        case 1: data[at] = (u8)draw(256); break;
        case 2: length = at; break;
        case 3: data[draw(length < 40 ? length : 40)] = (u8)draw(256); break;
        case 4: data[at] = draw(2) ? 0 : 255; break;
        case 5: {
            const u32 more = draw(16);
            if (length + more <= room)
                for (u32 k = 0; k < more; k++) data[length++] = (u8)draw(256);
            break;
        }
        case 6: {
            const u32 size = draw(length - at) + 1, from = other->length ? draw(other->length) : 0;
            for (u32 k = 0; k < size && from + k < other->length; k++) data[at + k] = other->bytes[from + k];
            break;
        }
        default:
            if (length > at + 2) {
                const u16 value = (u16)draw(65536);
                memcpy(data + at, &value, 2);
            }
        }
    }
    return length;
}

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    state = strtoull(argv[1], 0, 10) * 0x9E3779B97F4A7C15ull | 1;
    const long rounds = strtol(argv[2], 0, 10);
    FILE *file = fopen(argv[3], "rb");
    if (!file) return 2;
    static u8 corpus[16 << 20];
    const size_t size = fread(corpus, 1, sizeof corpus, file);
    fclose(file);
    static item items[ITEMS_MAX];
    int count = 0;
    for (size_t at = 0; at + 9 <= size && count < ITEMS_MAX; count++) {
        item *it = &items[count];
        it->kind = corpus[at];
        it->width = load16(corpus + at + 1);
        it->height = load16(corpus + at + 3);
        it->length = load32(corpus + at + 5);
        it->bytes = corpus + at + 9;
        at += 9 + it->length;
    }
    if (!count) return 2;
    codec_init();
    heap = mmap(0, HEAP_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (heap == MAP_FAILED) return 3;
    const u32 room = 1u << 18;
    u8 *const input_end = guarded(room) + room;
    u8 *const pixels_end = guarded(TILE_AREA * 4) + TILE_AREA * 4;
    surface *screen = 0;
    int screen_width = 0, screen_height = 0;
    long tried[2] = {0}, accepted[2] = {0};
    static u8 scratch[1 << 18];
    for (long round = 0; round < rounds; round++) {
        const item *it = &items[draw((u32)count)];
        memcpy(scratch, it->bytes, it->length);
        const u32 length = round % 16 ? mutate(scratch, it->length, sizeof scratch - 64, &items[draw((u32)count)]) : it->length;
        /* The look-ahead is all that may be read behind the input. */
        u8 *const input = input_end - READ_AHEAD - length;
        memcpy(input, scratch, length);
        memset(input + length, (int)draw(256), READ_AHEAD);
        int fault;
        if (it->kind == 0) {
            const int width = draw(4) ? it->width : 1 + (int)draw(TILE_PX), height = draw(4) ? it->height : 1 + (int)draw(TILE_PX);
            fault = tile_decode(input, length, width, height, (u32 *)(void *)(pixels_end - 4 * width * height));
        } else {
            if (!screen || screen_width != it->width || screen_height != it->height || !draw(200)) {
                if (screen && has_leak(screen)) return 5;
                heap_used = 0;
                screen = surface_create(it->width, it->height, 1, 20000);
                heap_begun = heap_used = (heap_used + 15) & ~(size_t)15;
                screen_width = it->width;
                screen_height = it->height;
                if (!screen) return 3;
            }
            if (screen->broken && length > 1 && draw(4)) input[1] |= 1;
            fault = surface_apply(screen, input, length);
            if (surface_dirty(screen) > DIRTY_MAX || screen->cached_bytes > 20000) return 4;
        }
        tried[it->kind != 0]++;
        accepted[it->kind != 0] += fault == FAULT_NONE;
    }
    if (screen && has_leak(screen)) return 5;
    printf("payloads %ld/%ld updates %ld/%ld\n", accepted[0], tried[0], accepted[1], tried[1]);
    return 0;
}

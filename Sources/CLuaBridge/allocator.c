// The allocator of a VM: counts what Lua holds and refuses only growth (rule 5), so that shrinking and freeing, which Lua
// assumes cannot fail, never do. Small blocks come from freelists by size class, which are faster than malloc; they lie in
// chunks that go back to the system when nothing lies in them.
#include <stdlib.h>
#include <sys/mman.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "internal.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define USE_MALLOC 1
#endif
#endif
#ifndef USE_MALLOC
#define USE_MALLOC 0
#endif

#define SMALL (CLASS_BYTES * CLASS_COUNT)
#define CHUNK ((size_t)256 << 10)
/// How far what is held may exceed the limit, as chunks are taken whole.
#define SLACK (2 * CHUNK)
/// Fewer empty chunks than that are kept without a look at them.
#define EMPTY_KEPT 8

/// The head of a chunk, which lies at an address that is a multiple of its size.
struct chunk {
    struct chunk *next;
    uint32_t live;
    bool leaving;
};
#define HEAD 64

static inline size_t class_of(size_t size) { return (size - 1) / CLASS_BYTES; }
static inline struct chunk *chunk_of(const void *block) { return (struct chunk *)((uintptr_t)block & ~(uintptr_t)(CHUNK - 1)); }

/// How much is held between two looks at the memory that is left.
#define ASSURED ((size_t)1 << 20)

/// Whether the rest of the process keeps its reserve of address space and data when so many bytes more are held.
__attribute__((noinline, cold))
static bool leaves_reserve(lb_vm *vm, size_t extra) {
    size_t reserve = vm->config.memory_reserve;
    if (extra < ASSURED / 4 && vm->held + extra <= vm->assured) return true;
    if (extra > SIZE_MAX - reserve - ASSURED) return false;
    size_t wanted = reserve + extra + ASSURED;
    // What cannot be written does not count as data.
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    void *space = mmap(NULL, wanted, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (space == MAP_FAILED) return false;
    munmap(space, wanted);
    vm->assured = vm->held + extra + ASSURED;
    return true;
}

bool may_hold(lb_vm *vm, size_t extra) {
    if (unlikely(vm->config.memory_reserve > 0)) {
        vm->squeezed = !leaves_reserve(vm, extra);
        if (vm->squeezed) return false;
    }
    if (!vm->limit) return true;
    size_t held = USE_MALLOC ? vm->used : vm->held;
    return held <= vm->limit + SLACK && extra <= vm->limit + SLACK - held;
}

// MARK: Chunks

static struct chunk *map_chunk(void) {
    // Twice the size has an aligned half in it; the rest is given back.
    uint8_t *raw = mmap(NULL, 2 * CHUNK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (raw == MAP_FAILED) return NULL;
    uint8_t *start = (uint8_t *)(((uintptr_t)raw + CHUNK - 1) & ~(uintptr_t)(CHUNK - 1));
    if (start > raw) munmap(raw, (size_t)(start - raw));
    if (start < raw + CHUNK) munmap(start + CHUNK, (size_t)(raw + CHUNK - start));
    return (struct chunk *)(void *)start;
}

void allocator_trim(lb_vm *vm) {
    struct chunk *newest = vm->room ? chunk_of(vm->room - 1) : NULL;
    size_t leaving = 0;
    for (struct chunk *at = vm->chunks; at; at = at->next) {
        at->leaving = at->live == 0 && at != newest;
        leaving += at->leaving;
    }
    if (leaving == 0) return;
    for (size_t class = 0; class < CLASS_COUNT; class++) {
        for (void **link = &vm->free_blocks[class]; *link;) {
            if (chunk_of(*link)->leaving) *link = *(void **)*link;
            else link = *link;
        }
    }
    for (struct chunk **link = &vm->chunks; *link;) {
        struct chunk *at = *link;
        if (!at->leaving) {
            link = &at->next;
            continue;
        }
        *link = at->next;
        munmap(at, CHUNK);
    }
    vm->chunk_count -= leaving;
    vm->empty_chunks -= leaving;
    vm->held -= leaving * CHUNK;
}

/// Takes a chunk. With `force` the limit is not asked.
__attribute__((noinline, cold))
static bool add_chunk(lb_vm *vm, bool force) {
    if (vm->empty_chunks > EMPTY_KEPT && vm->empty_chunks > vm->chunk_count / 4) allocator_trim(vm);
    if (!force && !may_hold(vm, CHUNK)) {
        if (vm->empty_chunks > 1) allocator_trim(vm);
        if (!may_hold(vm, CHUNK)) return false;
    }
    struct chunk *fresh = map_chunk();
    if (!fresh) return false;
    // What is left of the last one is given up (< SMALL bytes).
    *fresh = (struct chunk){.next = vm->chunks};
    vm->chunks = fresh;
    vm->room = (uint8_t *)fresh + HEAD;
    vm->room_left = CHUNK - HEAD;
    vm->chunk_count++;
    vm->empty_chunks++;
    vm->held += CHUNK;
    return true;
}

// MARK: Blocks

static void *small_new(lb_vm *vm, size_t size, bool force) {
    size_t class = class_of(size);
    void *block = vm->free_blocks[class];
    if (likely(block != NULL)) {
        vm->free_blocks[class] = *(void **)block;
    } else {
        size_t rounded = (class + 1) * CLASS_BYTES;
        if (unlikely(vm->room_left < rounded) && !add_chunk(vm, force)) return NULL;
        block = vm->room;
        vm->room += rounded;
        vm->room_left -= rounded;
    }
    if (unlikely(chunk_of(block)->live++ == 0)) vm->empty_chunks--;
    return block;
}

static inline void small_free(lb_vm *vm, void *block, size_t size) {
    size_t class = class_of(size);
    *(void **)block = vm->free_blocks[class];
    vm->free_blocks[class] = block;
    if (unlikely(--chunk_of(block)->live == 0)) vm->empty_chunks++;
}

static inline bool is_small(size_t size) { return !USE_MALLOC && likely(size <= SMALL); }

static void *large_new(lb_vm *vm, size_t size) {
    if (unlikely(!may_hold(vm, size))) {
        if (vm->empty_chunks > 1) allocator_trim(vm);
        if (!may_hold(vm, size)) return NULL;
    }
    void *block = malloc(size);
    if (block) vm->held += size;
    return block;
}

/// Whether the small block is a large one that could not be moved; it is one no longer.
__attribute__((noinline, cold))
static bool take_stray(lb_vm *vm, const void *block) {
    for (uint32_t i = 0; i < vm->stray_count; i++) {
        if (vm->strays[i] != block) continue;
        vm->strays[i] = vm->strays[--vm->stray_count];
        return true;
    }
    return false;
}

static inline void *block_new(lb_vm *vm, size_t size) {
    return is_small(size) ? small_new(vm, size, false) : large_new(vm, size);
}

static inline void block_free(lb_vm *vm, void *block, size_t size) {
    if (!is_small(size)) {
        vm->held -= size;
        free(block);
        return;
    }
    if (unlikely(vm->stray_count > 0) && take_stray(vm, block)) free(block);
    else small_free(vm, block, size);
}

static void *large_resize(lb_vm *vm, void *block, size_t old_size, size_t new_size) {
    if (new_size > old_size && unlikely(!may_hold(vm, new_size - old_size))) {
        if (vm->empty_chunks > 1) allocator_trim(vm);
        if (!may_hold(vm, new_size - old_size)) return NULL;
    }
    void *moved = realloc(block, new_size);
    // What shrinks may stay where it is.
    if (!moved && new_size < old_size) moved = block;
    if (moved) vm->held += new_size - old_size;
    return moved;
}

/// A large block that becomes a small one, which may not fail.
static void *shrink_to_small(lb_vm *vm, void *block, size_t old_size, size_t new_size) {
    void *moved = small_new(vm, new_size, true);
    if (unlikely(!moved)) {
        if (vm->stray_count == STRAY_COUNT) return NULL;
        vm->held -= old_size;
        vm->strays[vm->stray_count++] = block;
        return block;
    }
    memcpy(moved, block, new_size);
    block_free(vm, block, old_size);
    return moved;
}

static void *block_resize(lb_vm *vm, void *block, size_t old_size, size_t new_size) {
    if (!is_small(old_size)) {
        if (!is_small(new_size)) return large_resize(vm, block, old_size, new_size);
        return shrink_to_small(vm, block, old_size, new_size);
    }
    if (is_small(new_size) && class_of(old_size) == class_of(new_size)) return block;
    void *moved = block_new(vm, new_size);
    if (!moved) {
        // The block stays where it is, and joins the freelist of its new size when it is freed.
        return new_size < old_size ? block : NULL;
    }
    memcpy(moved, block, old_size < new_size ? old_size : new_size);
    block_free(vm, block, old_size);
    return moved;
}

// MARK: What Lua calls

/// Decides about growth beyond the threshold: the limit, or a test that wants an allocation to fail.
__attribute__((noinline, cold))
static bool may_grow(lb_vm *vm, size_t wanted) {
    if (vm->limit && wanted > vm->limit) {
        vm->refused = true;
        return false;
    }
    if (vm->fail_countdown == 0 || --vm->fail_countdown > 0) return true;
    // A failed allocation is tried again after an emergency collection: both tries have to fail.
    vm->fail_countdown = vm->fail_again ? 0 : 1;
    vm->fail_again = !vm->fail_again;
    vm->failed = vm->refused = true;
    return false;
}

/// Growth up to here needs no decision.
static void set_threshold(lb_vm *vm) {
    vm->threshold = vm->fail_countdown ? 0 : vm->limit ? vm->limit : SIZE_MAX;
}

void *allocate(void *user, void *block, size_t old_size, size_t new_size) {
    lb_vm *vm = user;
    if (!block) {
        // Lua passes the kind of the object in the place of the old size.
        if (unlikely(new_size == 0)) return NULL;
        if (unlikely(vm->used + new_size > vm->threshold) && !may_grow(vm, vm->used + new_size)) return NULL;
        block = block_new(vm, new_size);
        if (likely(block != NULL)) vm->used += new_size;
        else vm->refused = true;
        return block;
    }
    if (new_size == 0) {
        vm->used -= old_size;
        block_free(vm, block, old_size);
        return NULL;
    }
    if (new_size > old_size && unlikely(vm->used + (new_size - old_size) > vm->threshold) &&
        !may_grow(vm, vm->used + (new_size - old_size)))
        return NULL;
    void *result = block_resize(vm, block, old_size, new_size);
    if (likely(result != NULL)) vm->used += new_size - old_size;
    else vm->refused = true;
    return result;
}

void allocator_init(lb_vm *vm) {
    set_threshold(vm);
#ifdef M_ARENA_MAX
    // Each arena of glibc's malloc reserves 64 MiB of address space.
    if (vm->config.memory_reserve > 0) mallopt(M_ARENA_MAX, 2);
#endif
}

void allocator_release(lb_vm *vm) {
    while (vm->chunks) {
        struct chunk *next = vm->chunks->next;
        munmap(vm->chunks, CHUNK);
        vm->chunks = next;
    }
}

size_t lb_vm_memory_used(const lb_vm *vm) { return vm->used; }
size_t lb_vm_memory_limit(const lb_vm *vm) { return vm->limit; }
void lb_vm_set_memory_limit(lb_vm *vm, size_t bytes) {
    vm->limit = bytes;
    set_threshold(vm);
}

#ifdef LB_TESTING
void lb_vm_fail_allocation(lb_vm *vm, size_t countdown) {
    vm->fail_countdown = countdown;
    vm->fail_again = false;
    vm->failed = false;
    set_threshold(vm);
}

bool lb_vm_failed_allocation(const lb_vm *vm) { return vm->failed; }
#endif

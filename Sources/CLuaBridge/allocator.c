// The allocator of a VM: counts what Lua holds and refuses only growth (rule 5), so that shrinking and freeing, which Lua
// assumes cannot fail, never do. Small blocks come from freelists by size class, which are faster than malloc.
#include <stdlib.h>

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
#define CHUNK ((size_t)64 << 10)

static inline size_t class_of(size_t size) { return (size - 1) / CLASS_BYTES; }

static void *small_new(lb_vm *vm, size_t size) {
    size_t class = class_of(size);
    void *block = vm->free_blocks[class];
    if (likely(block != NULL)) {
        vm->free_blocks[class] = *(void **)block;
        return block;
    }
    size_t rounded = (class + 1) * CLASS_BYTES;
    if (vm->chunk_left < rounded) {
        uint8_t *fresh = malloc(CHUNK);
        if (!fresh) return NULL;
        // The first bytes of a chunk link it to the others; what is left of the last one is given up (< SMALL bytes).
        *(void **)(void *)fresh = vm->chunks;
        vm->chunks = fresh;
        vm->chunk = fresh + CLASS_BYTES;
        vm->chunk_left = CHUNK - CLASS_BYTES;
    }
    block = vm->chunk;
    vm->chunk += rounded;
    vm->chunk_left -= rounded;
    return block;
}

static inline void small_free(lb_vm *vm, void *block, size_t size) {
    size_t class = class_of(size);
    *(void **)block = vm->free_blocks[class];
    vm->free_blocks[class] = block;
}

static inline void *block_new(lb_vm *vm, size_t size) {
    return !USE_MALLOC && likely(size <= SMALL) ? small_new(vm, size) : malloc(size);
}

static inline void block_free(lb_vm *vm, void *block, size_t size) {
    if (!USE_MALLOC && likely(size <= SMALL)) small_free(vm, block, size);
    else free(block);
}

static void *block_resize(lb_vm *vm, void *block, size_t old_size, size_t new_size) {
    if (USE_MALLOC || (old_size > SMALL && new_size > SMALL)) return realloc(block, new_size);
    if (old_size <= SMALL && new_size <= SMALL && class_of(old_size) == class_of(new_size)) return block;
    void *moved = block_new(vm, new_size);
    if (!moved) return NULL;
    memcpy(moved, block, old_size < new_size ? old_size : new_size);
    block_free(vm, block, old_size);
    return moved;
}

/// Decides about growth beyond the threshold: the limit, or a test that wants an allocation to fail.
__attribute__((noinline, cold))
static bool may_grow(lb_vm *vm, size_t wanted) {
    if (vm->limit && wanted > vm->limit) return false;
    if (vm->fail_countdown == 0 || --vm->fail_countdown > 0) return true;
    // A failed allocation is tried again after an emergency collection: both tries have to fail.
    vm->fail_countdown = vm->fail_again ? 0 : 1;
    vm->fail_again = !vm->fail_again;
    vm->failed = true;
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
    if (unlikely(!result)) {
        // Shrinking may not fail: the block stays where it is, and joins the freelist of its new size when it is freed.
        if (new_size > old_size) return NULL;
        result = block;
    }
    vm->used += new_size - old_size;
    return result;
}

void allocator_init(lb_vm *vm) { set_threshold(vm); }

void allocator_release(lb_vm *vm) {
    while (vm->chunks) {
        void *next = *(void **)vm->chunks;
        free(vm->chunks);
        vm->chunks = next;
    }
}

size_t lb_vm_memory_used(const lb_vm *vm) { return vm->used; }
size_t lb_vm_memory_limit(const lb_vm *vm) { return vm->limit; }
void lb_vm_set_memory_limit(lb_vm *vm, size_t bytes) {
    vm->limit = bytes;
    set_threshold(vm);
}

void lb_vm_fail_allocation(lb_vm *vm, size_t countdown) {
    vm->fail_countdown = countdown;
    vm->fail_again = false;
    vm->failed = false;
    set_threshold(vm);
}

bool lb_vm_failed_allocation(const lb_vm *vm) { return vm->failed; }

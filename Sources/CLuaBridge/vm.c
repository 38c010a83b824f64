// A VM: one Lua state with its own allocator, sandbox and coroutine pool, used by one thread.
#include <stdio.h>
#include <stdlib.h>

#include "internal.h"

#define DEFAULT_GRACE 50000000u

/// An error outside any protected call (rule 4): nothing can be trusted any more, so the process says why and ends.
static int panic(lua_State *L) {
    const char *message = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "error object is not a string";
    fprintf(stderr, "aikit-lua: unprotected error in Lua: %s\n", message);
    abort();
}

static int set_up(lua_State *L) {
    open_bridge(L);
    open_sandbox(L);
    open_context(L);
    return 0;
}

lb_vm *lb_vm_create(const lb_config *config) {
    lb_vm *vm = NULL;
    // The low bits of the address carry the marks of coroutines.
    if (posix_memalign((void **)&vm, 64, sizeof *vm) != 0) return NULL;
    memset(vm, 0, sizeof *vm);
    vm->config = *config;
    vm->limit = config->memory_limit;
    allocator_init(vm);
    random_init(vm);
    if (!vm->config.close_grace) vm->config.close_grace = DEFAULT_GRACE;
    vm->worker = worker_retain();
    vm->next_token = 0;
    interrupt_setup();
    vm->L = vm->worker ? lua_newstate(allocate, vm) : NULL;
    if (!vm->L) {
        if (vm->worker) worker_release(vm->worker);
        allocator_release(vm);
        free(vm);
        return NULL;
    }
    *(lb_vm **)lua_getextraspace(vm->L) = vm;
    lua_atpanic(vm->L, panic);
    lua_gc(vm->L, LUA_GCSTOP);
    lua_pushcfunction(vm->L, set_up);
    if (lua_pcall(vm->L, 0, 0, 0) != LUA_OK) {
        lb_vm_destroy(vm);
        return NULL;
    }
    lua_gc(vm->L, LUA_GCRESTART);
    // Steps make short-lived garbage: young collections keep it small enough to stay in the processor's cache.
    lua_gc(vm->L, LUA_GCGEN, 0, 0);
    return vm;
}

size_t lb_vm_destroy(lb_vm *vm) {
    if (vm->watched) watch_forget(vm);
    lua_close(vm->L);
    size_t leaked = vm->used;
    allocator_release(vm);
    threads_release(vm);
    bytes_free(&vm->requests);
    bytes_free(&vm->payload);
    bytes_free(&vm->response);
    bytes_free(&vm->traceback);
    bytes_free(&vm->path);
    free(vm->slots);
    free(vm->made);
    free(vm->released);
    free(vm->abandoned);
    worker_release(vm->worker);
    free(vm);
    return leaked;
}

static int collect(lua_State *L) {
    lua_gc(L, LUA_GCCOLLECT);
    return 0;
}

void lb_vm_gc(lb_vm *vm) {
    while (vm->idle) {
        lb_thread *thread = vm->idle;
        vm->idle = thread->next_idle;
        vm->idle_count--;
        thread_discard(vm, thread);
    }
    lua_pushcfunction(vm->L, collect);
    if (lua_pcall(vm->L, 0, 0, 0) != LUA_OK) lua_settop(vm->L, 0);
    allocator_trim(vm);
}

uint32_t lb_vm_slot_count(const lb_vm *vm) { return vm->slot_count; }

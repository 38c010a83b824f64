// The pool of coroutines. One that finished cleanly is used again, which is several times cheaper than a new one; one that
// failed or was cancelled never is (rule 12). The structs live as long as the VM, so that a stale context can be recognised.
#include <stdlib.h>

#include "internal.h"

#define IDLE_KEPT 1024

static int make_coroutine(lua_State *L) {
    lb_thread *thread = lua_touserdata(L, 1);
    lua_State *co = lua_newthread(L);
    // References are freed again in thread_discard.
    thread->reference = luaL_ref(L, LUA_REGISTRYINDEX);
    thread->co = co;
    set_mark(co, MARK_HOST);
    return 0;
}

/// A struct without a coroutine: one that was discarded, or a new one.
static lb_thread *bare_thread(lb_vm *vm) {
    lb_thread *thread = vm->spent;
    if (thread) {
        vm->spent = thread->next_idle;
        return thread;
    }
    thread = calloc(1, sizeof *thread);
    if (!thread) return NULL;
    thread->vm = vm;
    thread->pending = &thread->one_pending;
    thread->pending_capacity = 1;
    thread->next = vm->threads;
    vm->threads = thread;
    return thread;
}

lb_thread *thread_take(lb_vm *vm) {
    lb_thread *thread = vm->idle;
    if (likely(thread != NULL)) {
        vm->idle = thread->next_idle;
        vm->idle_count--;
        return thread;
    }
    thread = bare_thread(vm);
    if (!thread) return NULL;
    // Making a coroutine may fail for want of memory, so it happens in a protected call.
    lua_State *L = vm->L;
    lua_pushcfunction(L, make_coroutine);
    lua_pushlightuserdata(L, thread);
    if (lua_pcall(L, 1, 0, 0) == LUA_OK) return thread;
    lua_settop(L, 0);
    thread->next_idle = vm->spent;
    vm->spent = thread;
    return NULL;
}

static void retire(lb_thread *thread) {
    thread->generation++;
    thread->context = NULL;
    if (unlikely(thread->kept)) luaL_unref(thread->vm->L, LUA_REGISTRYINDEX, thread->kept);
    thread->kept = 0;
    thread->tag = 0;
    thread->has_random = thread->has_clock = false;
    if (unlikely(thread->pending != &thread->one_pending)) {
        free(thread->pending);
        thread->pending = &thread->one_pending;
        thread->pending_capacity = 1;
    }
    thread->pending_count = thread->pending_live = 0;
}

void thread_recycle(lb_vm *vm, lb_thread *thread) {
    if (unlikely(vm->idle_count >= IDLE_KEPT)) {
        thread_discard(vm, thread);
        return;
    }
    retire(thread);
    vm->idle_count++;
    thread->next_idle = vm->idle;
    vm->idle = thread;
}

void thread_discard(lb_vm *vm, lb_thread *thread) {
    luaL_unref(vm->L, LUA_REGISTRYINDEX, thread->reference);
    thread->co = NULL;
    retire(thread);
    thread->next_idle = vm->spent;
    vm->spent = thread;
}

void threads_release(lb_vm *vm) {
    while (vm->threads) {
        lb_thread *next = vm->threads->next;
        if (vm->threads->pending != &vm->threads->one_pending) free(vm->threads->pending);
        free(vm->threads);
        vm->threads = next;
    }
}

uintptr_t lb_thread_tag(const lb_thread *thread) { return thread->tag; }
void lb_thread_set_tag(lb_thread *thread, uintptr_t tag) { thread->tag = tag; }

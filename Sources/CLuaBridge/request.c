// What scripts ask of the host. A request suspends the coroutine (rule 1); a synchronous call returns a status first, and C
// raises after the host's frame is gone (rule 3).
#include <stdlib.h>

#include "internal.h"

void pending_compact(lb_thread *thread) {
    if (thread->pending_live == 0) thread->pending_count = 0;
    if (thread->pending_count < 16 || thread->pending_live * 2 > thread->pending_count) return;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < thread->pending_count; i++)
        if (thread->pending[i].asker) thread->pending[kept++] = thread->pending[i];
    thread->pending_count = kept;
}

bool pending_add(lb_thread *thread, uint32_t token, lua_State *asker) {
    if (unlikely(thread->pending_count == thread->pending_capacity)) {
        uint32_t capacity = thread->pending_capacity * 4;
        bool inlined = thread->pending == &thread->one_pending;
        pending *moved = realloc(inlined ? NULL : thread->pending, capacity * sizeof *moved);
        if (!moved) return false;
        if (inlined) *moved = thread->one_pending;
        thread->pending = moved;
        thread->pending_capacity = capacity;
    }
    lb_vm *vm = thread->vm;
    thread->pending[thread->pending_count++] = (pending){token, vm->scope, vm->scope_child, asker};
    thread->pending_live++;
    return true;
}

bool pending_remove(lb_thread *thread, uint32_t token, pending *found) {
    // The numbers may have passed their end, so it is their distances that are in order.
    uint32_t low = 0, high = thread->pending_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if ((int32_t)(thread->pending[middle].token - token) < 0) low = middle + 1;
        else high = middle;
    }
    if (low == thread->pending_count || thread->pending[low].token != token || !thread->pending[low].asker) return false;
    *found = thread->pending[low];
    thread->pending[low].asker = NULL;
    thread->pending_live--;
    pending_compact(thread);
    return true;
}

void abandon_at(lb_vm *vm, lb_thread *thread, uint32_t index) {
    if (vm->abandoned_count == vm->abandoned_capacity) {
        uint32_t capacity = vm->abandoned_capacity ? vm->abandoned_capacity * 2 : 16;
        uint32_t *moved = realloc(vm->abandoned, capacity * sizeof *moved);
        if (moved) {
            vm->abandoned = moved;
            vm->abandoned_capacity = capacity;
        }
    }
    // Without memory for the list the host keeps an answer that is ignored later.
    if (vm->abandoned_count < vm->abandoned_capacity)
        vm->abandoned[vm->abandoned_count++] = thread->pending[index].token;
    thread->pending[index].asker = NULL;
    thread->pending_live--;
}

void pending_abandon(lb_vm *vm, const lua_State *asker) {
    lb_thread *thread = vm->current;
    if (!thread) return;
    for (uint32_t i = 0; i < thread->pending_count; i++)
        if (thread->pending[i].asker == asker) abandon_at(vm, thread, i);
    pending_compact(thread);
}

uint32_t lb_thread_request_count(const lb_thread *thread) { return thread->vm->made_count; }

lb_request lb_thread_request(const lb_thread *thread, uint32_t index) {
    const lb_vm *vm = thread->vm;
    const made *made = &vm->made[index];
    return (lb_request){
        (const char *)vm->requests.data + made->op, made->op_length, vm->requests.data + made->payload,
        made->payload_length, made->token, made->span,
    };
}

uint32_t lb_thread_abandoned_count(const lb_thread *thread) { return thread->vm->abandoned_count; }
uint32_t lb_thread_abandoned(const lb_thread *thread, uint32_t index) { return thread->vm->abandoned[index]; }

/// Pushes what the host answered, or raises it.
static int deliver(lua_State *L, bool ok, const uint8_t *value, size_t length) {
    decode_value(L, value, length);
    if (likely(ok)) return 1;
    if (lua_istable(L, -1)) {
        lua_rawgeti(L, LUA_REGISTRYINDEX, vm_of(L)->error_metatable);
        lua_setmetatable(L, -2);
    }
    return lua_error(L);
}

static int finish_request(lua_State *L, int status, lua_KContext context) {
    (void)status;
    (void)context;
    lb_thread *thread = vm_of(L)->current;
    lua_settop(L, 1);
    return deliver(L, thread->response_ok, thread->response, thread->response_length);
}

/// A coroutine that asks, and every coroutine that waits for it, has to be suspended: finds the one that cannot be.
static void check_suspendable(lua_State *L, const char *op) {
    lua_State *asked = L;
    for (resumer *at = vm_of(L)->resumers;; at = at->previous) {
        if (unlikely(!lua_isyieldable(asked) || has_mark(asked, MARK_CLOSING))) {
            char place[160];
            describe_place(asked, L, place, sizeof place);
            raise_error(L, "cannot_wait", "'%s' has to wait for the host, which is impossible inside %s", op, place);
        }
        if (!at) return;
        asked = at->L;
    }
}

/// bridge.request(op[, payload[, takes_bytes]]) -> answer
int bridge_request(lua_State *L) {
    lb_vm *vm = vm_of(L);
    size_t op_length;
    const char *op = luaL_checklstring(L, 1, &op_length);
    bool takes_bytes = lua_toboolean(L, 3);
    lua_settop(L, 2);
    check_suspendable(L, op);
    // Other steps see what this one has done when it waits.
    if (unlikely(vm->current->kept)) store_flush(L, vm->current);
    if (unlikely(vm->made_count == vm->made_capacity)) {
        uint32_t capacity = vm->made_capacity ? vm->made_capacity * 2 : 4;
        made *moved = realloc(vm->made, capacity * sizeof *moved);
        if (!moved) return luaL_error(L, "not enough memory");
        vm->made = moved;
        vm->made_capacity = capacity;
    }
    made made = {vm->requests.count, op_length, 0, 0, vm->next_token + 1, open_span(L)};
    if (!bytes_append(&vm->requests, op, op_length)) return luaL_error(L, "not enough memory");
    made.payload = vm->requests.count;
    if (!encode_payload(L, 2, &vm->requests, op, takes_bytes)) return raise_error(L, "invalid_argument", "%s", vm->message);
    made.payload_length = vm->requests.count - made.payload;
    // The host holds them several times before the first of them is on its way.
    bool is_crowded = vm->made_count > 0 && vm->limit && vm->requests.count > vm->limit / 3;
    if (unlikely(is_crowded || !may_hold(vm, vm->requests.count))) {
        vm->requests.count = made.op;
        return raise_error(L, "out_of_memory", "'%s' asks for too much at once: the memory limit is reached", op);
    }
    if (!pending_add(vm->current, made.token, L)) return luaL_error(L, "not enough memory");
    vm->next_token = made.token;
    vm->made[vm->made_count++] = made;
    // The payload may be large, and is the host's now.
    lua_settop(L, 1);
    vm->yielding = YIELD_REQUEST;
    return lua_yieldk(L, 0, 0, finish_request);
}

void call_sync(lua_State *L, const char *op, int index, bool takes_bytes) {
    lb_vm *vm = vm_of(L);
    bytes_clear(&vm->payload);
    bytes_clear(&vm->response);
    if (!encode_payload(L, index, &vm->payload, op, takes_bytes)) raise_error(L, "invalid_argument", "%s", vm->message);
    if (!vm->config.sync) raise_error(L, "internal", "the host does not offer '%s'", op);
    bool ok = vm->config.sync(vm->config.user, op, strlen(op), vm->payload.data, vm->payload.count, &vm->response);
    // The host's frame is gone: from here on raising is allowed. A host that left off has been told to.
    if (!ok) check_interrupt(L);
    deliver(L, ok, vm->response.data, vm->response.count);
}

/// bridge.sync(op[, payload[, takes_bytes]]) -> answer
int bridge_sync(lua_State *L) {
    const char *op = luaL_checkstring(L, 1);
    bool takes_bytes = lua_toboolean(L, 3);
    lua_settop(L, 2);
    call_sync(L, op, 2, takes_bytes);
    return 1;
}

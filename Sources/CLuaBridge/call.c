// One C call a step (rule 1): push a trampoline on a pooled coroutine, resume it once; decoding, the call and encoding all
// happen inside, so that all of it is protected and may yield.
#include <stdio.h>

#include "internal.h"

static int flush_of(lua_State *L) {
    store_flush(L, lua_touserdata(L, 1));
    return 0;
}

/// Stores what was written into tables of the store; on false the error is on top.
static bool flush(lua_State *L, lb_thread *thread) {
    lua_pushcfunction(L, flush_of);
    lua_pushlightuserdata(L, thread);
    return lua_pcall(L, 1, 0, 0) == LUA_OK;
}

/// Runs after the function has returned or failed, whether or not it was suspended in between. Whatever raises here or in the
/// trampoline ends the coroutine with a Lua status, which run() turns into an error as well.
static int finish_call(lua_State *L, int status, lua_KContext context) {
    lb_thread *thread = (lb_thread *)context;
    if (unlikely(thread->kept)) {
        bool failed = status != LUA_OK && status != LUA_YIELD;
        int top = lua_gettop(L);
        if (!flush(L, thread)) {
            if (failed) {
                // The handler's own error counts.
                lua_settop(L, top);
            } else {
                thread->vm->traceback.count = 0;
                thread->vm->where[0] = 0;
                status = LUA_ERRRUN;
            }
        }
    }
    if (unlikely(status != LUA_OK && status != LUA_YIELD)) {
        encode_error(L, -1, status, thread->out);
        thread->outcome = LB_ERROR;
        return 0;
    }
    if (unlikely(thread->two)) {
        // Two results become an array of two, whatever they are.
        uint8_t *to;
        lb_bytes *out = thread->out;
        size_t start = out->count;
        if (!bytes_reserve(out, 9)) return luaL_error(L, "not enough memory");
        out->count += 9;
        if (!encode_value(L, -2, out, "output") || !encode_value(L, -1, out, "output (second result)")) {
            out->count = start;
            return raise_error(L, "invalid_output", "%s", thread->vm->message);
        }
        to = out->data + start;
        to[0] = TAG_ARRAY;
        put_u32(to + 1, 2);
        put_u32(to + 5, (uint32_t)(out->count - start - 9));
    } else if (unlikely(!encode_value(L, -1, thread->out, "output"))) {
        thread->vm->traceback.count = 0;
        thread->vm->where[0] = 0;
        append_plain_error(thread->vm, "invalid_output", thread->vm->message, thread->out);
        thread->outcome = LB_ERROR;
        return 0;
    }
    thread->outcome = LB_DONE;
    return 0;
}

/// Where the trampoline keeps what it needs on its stack.
enum { THREAD = 1, HANDLER = 2, KEYS = 3 };

static void push_argument(lua_State *L, lb_thread *thread, const lb_arg *arg) {
    switch (arg->kind) {
    case LB_ARG_NIL: lua_pushnil(L); return;
    case LB_ARG_SLICE: {
        lb_bytes *arena = thread->context && thread->context->arena ? thread->context->arena : thread->out;
        decode_with_keys(L, arena->data + arg->offset, arg->length, KEYS);
        return;
    }
    case LB_ARG_POINTER: decode_with_keys(L, arg->pointer, arg->length, KEYS); return;
    case LB_ARG_CONTEXT: push_context(L, thread); return;
    case LB_ARG_INTEGER: lua_pushinteger(L, arg->integer); return;
    }
    lua_pushnil(L);
}

static int call_slot(lua_State *L) {
    lb_thread *thread = lua_touserdata(L, THREAD);
    const slot *slot = &thread->vm->slots[thread->slot];
    lua_pushcfunction(L, note_traceback);
    push_keys(L);
    lua_rawgeti(L, LUA_REGISTRYINDEX, slot->reference);
    // The slot may be gone when the function returns.
    thread->two = slot->two;
    size_t count = thread->argc < slot->visible ? thread->argc : slot->visible;
    for (size_t i = 0; i < count; i++) push_argument(L, thread, &thread->args[i]);
    int status = lua_pcallk(L, (int)count, thread->two ? 2 : 1, HANDLER, (lua_KContext)thread, finish_call);
    return finish_call(L, status, (lua_KContext)thread);
}

/// The error of a step that was stopped, with the traceback that the hook noted.
static void append_stopped(lb_vm *vm, int reason, lb_bytes *out) {
    if (reason == INTERRUPT_DEADLINE) append_plain_error(vm, "timeout", "stopped: the time limit was reached", out);
    else append_plain_error(vm, "cancelled", "stopped: the run was cancelled", out);
}

/// Resumes a coroutine and maps every status of Lua's to one of ours.
static lb_status run_current(lb_vm *vm, lb_thread *thread, int count, lb_bytes *out) {
    lua_State *co = thread->co;
    size_t start = out->count;
    int results;
    thread->out = out;
    step_enter(vm, co);
    int status = lua_resume(co, vm->L, count, &results);
    step_leave(vm, co);
    int interrupting = vm->interrupting;
    vm->interrupting = INTERRUPT_NONE;
    if (likely(status == LUA_OK)) {
        lb_status outcome = thread->outcome;
        if (unlikely(outcome != LB_DONE)) {
            thread_discard(vm, thread);
            if (interrupting) {
                // The interrupt could only be raised, and the script's error handling is what is left of it.
                out->count = start;
                append_stopped(vm, interrupting, out);
                return LB_CANCELLED;
            }
            return LB_ERROR;
        }
        thread_recycle(vm, thread);
        return LB_DONE;
    }
    if (status == LUA_YIELD) {
        if (likely(vm->yielding == YIELD_REQUEST)) return LB_REQUEST;
        out->count = start;
        append_stopped(vm, interrupting, out);
        close_with_grace(vm, co);
        thread_discard(vm, thread);
        return LB_CANCELLED;
    }
    // Decoding an argument or encoding an error failed: what is on the top says why.
    out->count = start;
    vm->traceback.count = 0;
    vm->where[0] = 0;
    if (interrupting) append_stopped(vm, interrupting, out);
    else if (status == LUA_ERRMEM) append_plain_error(vm, "out_of_memory", "not enough memory", out);
    else if (lua_type(co, -1) == LUA_TSTRING) append_plain_error(vm, "error", lua_tostring(co, -1), out);
    else append_plain_error(vm, "invalid_output", vm->message, out);
    close_with_grace(vm, co);
    thread_discard(vm, thread);
    return interrupting ? LB_CANCELLED : LB_ERROR;
}

/// The thread stays the current one until its to-be-closed variables have run.
static lb_status run(lb_vm *vm, lb_thread *thread, int count, lb_bytes *out) {
    lb_thread *outer = vm->current;
    thread->outer = outer;
    vm->current = thread;
    lb_status status = run_current(vm, thread, count, out);
    vm->current = outer;
    return status;
}

static inline void begin(lb_vm *vm) {
    vm->made_count = 0;
    vm->noted_error = NULL;
    vm->refused = false;
    bytes_clear(&vm->requests);
    vm->abandoned_count = 0;
    if (unlikely(vm->effects.table)) effects_forget(vm);
}

static lb_status no_thread(lb_vm *vm, lb_bytes *out) {
    vm->traceback.count = 0;
    vm->where[0] = 0;
    append_plain_error(vm, "out_of_memory", "not enough memory for a coroutine", out);
    return LB_ERROR;
}

lb_status lb_call(
    lb_vm *vm, uint32_t slot, lb_context *context, const lb_arg *args, size_t argc, lb_bytes *out, lb_thread **suspended) {
    begin(vm);
    if (unlikely(slot == 0 || slot > vm->slot_count || vm->slots[slot - 1].reference == LUA_NOREF)) {
        append_plain_error(vm, "internal", "there is no function in this slot", out);
        return LB_ERROR;
    }
    lb_thread *thread = thread_take(vm);
    if (unlikely(!thread)) return no_thread(vm, out);
    thread->context = context;
    thread->args = args;
    thread->argc = argc;
    thread->slot = slot - 1;
    // Neither push allocates, and a fresh coroutine has room for twenty.
    lua_pushcfunction(thread->co, call_slot);
    lua_pushlightuserdata(thread->co, thread);
    lb_status status = run(vm, thread, 1, out);
    if (unlikely(status == LB_REQUEST)) *suspended = thread;
    return status;
}

lb_status lb_resume(
    lb_vm *vm, lb_thread *thread, uint32_t token, bool ok, const uint8_t *value, size_t length, lb_bytes *out) {
    begin(vm);
    pending found;
    if (!pending_remove(thread, token, &found)) return LB_REQUEST;
    route_answer(&found);
    thread->response = value;
    thread->response_length = length;
    thread->response_ok = ok;
    return run(vm, thread, 0, out);
}

lb_status lb_close(lb_vm *vm, lb_thread *thread, const char *code, const char *message, lb_bytes *out) {
    begin(vm);
    // Rule 8: the traceback while the frames still stand, then the close.
    vm->traceback.count = 0;
    vm->where[0] = 0;
    for (uint32_t i = 0; i < thread->pending_count; i++) {
        if (!thread->pending[i].asker || thread->pending[i].asker == thread->co) continue;
        write_traceback(thread->pending[i].asker, &vm->traceback, vm->where, sizeof vm->where);
        break;
    }
    write_traceback(thread->co, &vm->traceback, vm->where, sizeof vm->where);
    append_plain_error(vm, code, message, out);
    if (thread->context) {
        thread->context->aborted = 1;
        thread->context->abort_reason = message;
    }
    thread->outer = vm->current;
    vm->current = thread;
    close_with_grace(vm, thread->co);
    vm->current = thread->outer;
    thread_discard(vm, thread);
    return LB_CANCELLED;
}

typedef struct loading {
    lb_thread *thread;
    const char *source, *chunk_name, *module;
    size_t length;
} loading;

/// Hands what a script returned to the prelude's collector, and gives what that makes of it.
static int finish_chunk(lua_State *L, int status, lua_KContext context) {
    (void)status;
    lb_thread *thread = (lb_thread *)context;
    int collect = thread->vm->collect;
    if (thread->module || !collect) return 1;
    lua_rawgeti(L, LUA_REGISTRYINDEX, collect);
    lua_insert(L, -2);
    lua_call(L, 1, 1);
    return 1;
}

/// Runs a chunk (argument 1) with the arguments that follow.
static int run_chunk(lua_State *L) {
    lb_thread *thread = vm_of(L)->current;
    lua_callk(L, lua_gettop(L) - 1, 1, (lua_KContext)thread, finish_chunk);
    return finish_chunk(L, LUA_OK, (lua_KContext)thread);
}

static int finish_load(lua_State *L, int status, lua_KContext context) {
    lb_thread *thread = (lb_thread *)context;
    lb_vm *vm = thread->vm;
    thread->outcome = LB_DONE;
    if (status != LUA_OK && status != LUA_YIELD) {
        encode_error(L, -1, status, thread->out);
        thread->outcome = LB_ERROR;
        return 0;
    }
    if (thread->module) {
        // The trampoline's frame holds the module's name in its first slot.
        lua_rawgeti(L, LUA_REGISTRYINDEX, vm->modules);
        lua_pushvalue(L, 1);
        lua_pushvalue(L, -3);
        lua_rawset(L, -3);
        lua_pushnil(L);
    } else if (!vm->collect) {
        // Without a collector a script gives one function to call.
        if (lua_isfunction(L, -1)) {
            lua_rawgeti(L, LUA_REGISTRYINDEX, vm->function_slot);
            lua_insert(L, -2);
            lua_call(L, 1, 1);
        } else {
            lua_pushnil(L);
        }
    }
    if (!encode_value(L, -1, thread->out, "result")) return luaL_error(L, "%s", vm->message);
    return 0;
}

static int call_chunk(lua_State *L) {
    loading *load = lua_touserdata(L, 1);
    lb_thread *thread = load->thread;
    lb_vm *vm = thread->vm;
    bool trusted = load->module != NULL;
    thread->module = trusted;
    if (trusted) {
        lua_pushstring(L, load->module);
        lua_replace(L, 1);
    }
    lua_pushcfunction(L, note_traceback);
    lua_pushcfunction(L, run_chunk);
    vm->traceback.count = 0;
    vm->where[0] = 0;
    if (compile_text(L, load->source, load->length, load->chunk_name) != LUA_OK) {
        if (lua_type(L, -1) != LUA_TSTRING) return lua_error(L);
        append_plain_error(vm, "syntax", lua_tostring(L, -1), thread->out);
        thread->outcome = LB_ERROR;
        return 0;
    }
    push_environment(L, trusted ? 0 : vm->script_globals);
    lua_setupvalue(L, -2, 1);
    if (trusted) lua_rawgeti(L, LUA_REGISTRYINDEX, vm->bridge_table);
    int status = lua_pcallk(L, trusted ? 2 : 1, 1, 2, (lua_KContext)thread, finish_load);
    return finish_load(L, status, (lua_KContext)thread);
}

static lb_status load_chunk(lb_vm *vm, loading *load, lb_context *context, lb_bytes *out, lb_thread **suspended) {
    begin(vm);
    lb_thread *thread = thread_take(vm);
    if (!thread) return no_thread(vm, out);
    load->thread = thread;
    thread->context = context;
    lua_pushcfunction(thread->co, call_chunk);
    lua_pushlightuserdata(thread->co, load);
    lb_status status = run(vm, thread, 1, out);
    if (status == LB_REQUEST) *suspended = thread;
    return status;
}

lb_status lb_load(
    lb_vm *vm, const char *source, size_t length, const char *chunk_name, lb_context *context, lb_bytes *out,
    lb_thread **suspended) {
    loading load = {NULL, source, chunk_name, NULL, length};
    // A first line such as #!/usr/bin/env aikit-lua is the shell's, its line break is Lua's.
    if (length > 0 && *source == '#') {
        while (load.length > 0 && *load.source != '\n') load.source++, load.length--;
    }
    return load_chunk(vm, &load, context, out, suspended);
}

lb_status lb_load_prelude(lb_vm *vm, const char *name, const char *source, size_t length, lb_bytes *out) {
    char chunk_name[80];
    snprintf(chunk_name, sizeof chunk_name, "=[aikit %s]", name);
    loading load = {NULL, source, chunk_name, name, length};
    lb_thread *suspended = NULL;
    lb_status status = load_chunk(vm, &load, NULL, out, &suspended);
    if (status == LB_REQUEST) return lb_close(vm, suspended, "internal", "the prelude may not wait for the host", out);
    return status;
}

// The `context` of a callback: one small userdata a call that points at the host's struct. It carries the generation of its
// coroutine, so that a context kept beyond its step is recognised however the coroutine was used since.
#include <stdio.h>

#include "internal.h"

typedef enum view { VIEW_CONTEXT, VIEW_STORE, VIEW_SIGNAL } view;

typedef struct handle {
    lb_thread *thread;
    uint32_t generation;
    view view;
} handle;

static handle *push_handle(lua_State *L, lb_thread *thread, view view) {
    handle *h = lua_newuserdatauv(L, sizeof *h, view == VIEW_CONTEXT ? 1 : 0);
    *h = (handle){thread, thread->generation, view};
    lua_rawgeti(L, LUA_REGISTRYINDEX, vm_of(L)->context_metatable);
    lua_setmetatable(L, -2);
    return h;
}

void push_context(lua_State *L, lb_thread *thread) {
    if (thread->context) push_handle(L, thread, VIEW_CONTEXT);
    else lua_pushnil(L);
}

/// Whether the value is one of ours; a script cannot make a full userdata itself.
static handle *to_handle(lua_State *L, int index) {
    if (lua_type(L, index) != LUA_TUSERDATA || lua_islightuserdata(L, index)) return NULL;
    if (!lua_getmetatable(L, index)) return NULL;
    lua_rawgeti(L, LUA_REGISTRYINDEX, vm_of(L)->context_metatable);
    bool ours = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return ours ? lua_touserdata(L, index) : NULL;
}

static lb_context *check(lua_State *L, int index) {
    handle *h = to_handle(L, index);
    if (!h) luaL_argerror(L, index, "context expected (call methods with a colon: context:emit{…})");
    if (h->generation != h->thread->generation || !h->thread->context)
        luaL_error(L, "a context was used after its step had ended");
    // While a step waits, its run goes on and moves what the host's struct points at.
    for (const lb_thread *at = vm_of(L)->current; at != h->thread; at = at->outer)
        if (!at) luaL_error(L, "a context was used outside its own step, which waits for the host");
    return h->thread->context;
}

static const uint8_t *slice(const lb_context *context, lb_slice slice, size_t *length) {
    *length = slice.length;
    return slice.length && context->arena ? context->arena->data + slice.offset : NULL;
}

static void push_value(lua_State *L, const uint8_t *value, size_t length) {
    if (value) decode_value(L, value, length);
    else lua_pushnil(L);
}

static void push_current(lua_State *L, const lb_context *context, uint8_t kind, lb_slice fallback) {
    const uint8_t *value;
    size_t length;
    if (!effects_find(L, context, kind, NULL, 0, &value, &length)) value = slice(context, fallback, &length);
    push_value(L, value, length);
}

static void push_text(lua_State *L, const char *text) {
    if (text) lua_pushstring(L, text);
    else lua_pushnil(L);
}

static void push_path(lua_State *L, const lb_context *context) {
    if (context->path || !context->write_path) {
        push_text(L, context->path);
        return;
    }
    // The text lies in the VM: pushing it may raise, and would leak anything else.
    lb_bytes *text = &vm_of(L)->path;
    bytes_clear(text);
    context->write_path(context, text);
    lua_pushlstring(L, (const char *)text->data, text->count);
}

/// Whether the step is being stopped: the host said so, or its to-be-closed variables run.
static bool is_aborted(lua_State *L, const lb_context *context) { return context->aborted || vm_of(L)->closing; }

static void push_reason(lua_State *L, const lb_context *context) {
    if (context->abort_reason || !is_aborted(L, context)) {
        push_text(L, context->abort_reason);
        return;
    }
    if (!context->aborted && vm_of(L)->stopped_for == INTERRUPT_DEADLINE) {
        lua_pushliteral(L, "the step's time is over");
        return;
    }
    if (!context->write_reason) {
        lua_pushliteral(L, "cancelled");
        return;
    }
    lb_bytes *text = &vm_of(L)->path;
    bytes_clear(text);
    context->write_reason(context, text);
    lua_pushlstring(L, (const char *)text->data, text->count);
}

/// Pushes a table-valued field and keeps it beside the context, so that a second look at it gets the same table.
static void push_kept(lua_State *L, const lb_context *context, lb_slice field, const char *name, bool readonly) {
    if (lua_getiuservalue(L, 1, 1) != LUA_TTABLE) {
        lua_pop(L, 1);
        lua_createtable(L, 0, 2);
        lua_pushvalue(L, -1);
        lua_setiuservalue(L, 1, 1);
    }
    lua_pushstring(L, name);
    lua_pushvalue(L, -1);
    if (lua_rawget(L, -3) != LUA_TNIL) return;
    lua_pop(L, 1);
    size_t length;
    const uint8_t *value = slice(context, field, &length);
    push_value(L, value, length);
    if (readonly) {
        lua_pushcfunction(L, bridge_readonly);
        lua_insert(L, -2);
        lua_call(L, 1, 1);
    }
    lua_pushvalue(L, -1);
    lua_insert(L, -4);
    lua_rawset(L, -3);
    lua_pop(L, 1);
}

enum field { F_WORKFLOW_ID = 1, F_RUN_ID, F_STEP_ID, F_PATH, F_KEY, F_ATTEMPT, F_OCCURRENCE, F_ITERATION, F_INITIAL, F_INPUT, F_CTX, F_STORE, F_SIGNAL, F_TRACE, F_METADATA, F_RESULTS, F_TRACED, F_TAGS };

static const char *const field_names[] = {
    NULL, "workflow_id", "run_id", "step_id", "path", "idempotency_key", "attempt", "occurrence", "iteration",
    "initial_input", "input", "ctx", "store", "signal", "trace", "metadata", "results", "traced", "tags",
};
#define FIELD_COUNT (sizeof field_names / sizeof *field_names)
/// Scripts see the fields before this one; the others are for the prelude, through bridge.context_get.
#define HIDDEN F_METADATA

static void push_field(lua_State *L, const lb_context *context, enum field field) {
    switch (field) {
    case F_WORKFLOW_ID: push_text(L, context->workflow_id); return;
    case F_RUN_ID: push_text(L, context->run_id); return;
    case F_STEP_ID: push_text(L, context->step_id); return;
    case F_PATH: push_path(L, context); return;
    case F_KEY:
        // The same for every attempt of one start of a step, wherever and however often it runs.
        if (context->idempotency_key) {
            push_text(L, context->idempotency_key);
            return;
        }
        push_path(L, context);
        lua_pushfstring(L, "%s/%s#%d%s", context->run_id, lua_tostring(L, -1), (int)context->occurrence,
                        context->closing == 0 ? "" : context->closing == 1 ? "/compensate" : "/completion");
        return;
    case F_ATTEMPT: lua_pushinteger(L, context->attempt); return;
    case F_OCCURRENCE: lua_pushinteger(L, context->occurrence); return;
    case F_ITERATION:
        if (context->iteration) lua_pushinteger(L, context->iteration);
        else lua_pushnil(L);
        return;
    case F_INITIAL: push_kept(L, context, context->initial_input, "initial_input", false); return;
    case F_INPUT: push_kept(L, context, context->input, "input", false); return;
    case F_STORE: push_handle(L, ((handle *)lua_touserdata(L, 1))->thread, VIEW_STORE); return;
    case F_SIGNAL: push_handle(L, ((handle *)lua_touserdata(L, 1))->thread, VIEW_SIGNAL); return;
    case F_CTX:
        // Written by update_ctx, so it is current rather than kept.
        push_current(L, context, LB_EFFECT_CTX, context->ctx);
        if (!lua_istable(L, -1)) {
            lua_pop(L, 1);
            lua_newtable(L);
        }
        lua_pushcfunction(L, bridge_readonly);
        lua_insert(L, -2);
        lua_pushliteral(L, "context.ctx is read-only: use context:update_ctx(function(ctx) ctx.%s = …; return ctx end)");
        lua_call(L, 2, 1);
        return;
    case F_METADATA: push_current(L, context, LB_EFFECT_METADATA, context->metadata); return;
    case F_TAGS: push_current(L, context, LB_EFFECT_TAGS, context->tags); return;
    case F_TRACE: lua_pushnil(L); return; // made by the prelude
    case F_TRACED:
        if (context->trace.length) push_kept(L, context, context->trace, "traced", false);
        else lua_pushnil(L);
        return;
    case F_RESULTS: push_kept(L, context, context->results, "results", false); return;
    }
}

/// The name as it is written here: run_id for runId.
static const char *push_snake(lua_State *L, const char *name) {
    luaL_Buffer text;
    luaL_buffinit(L, &text);
    for (const char *at = name; *at; at++) {
        if (*at >= 'A' && *at <= 'Z') {
            if (at > name) luaL_addchar(&text, '_');
            luaL_addchar(&text, (char)(*at - 'A' + 'a'));
        } else {
            luaL_addchar(&text, *at);
        }
    }
    luaL_pushresult(&text);
    return lua_tostring(L, -1);
}

static int context_index(lua_State *L) {
    lb_context *context = check(L, 1);
    handle *h = lua_touserdata(L, 1);
    if (h->view == VIEW_STORE) {
        size_t length;
        const char *key = luaL_checklstring(L, 2, &length);
        store_push(L, context, h->thread, key, length);
        return 1;
    }
    if (h->view == VIEW_SIGNAL) {
        const char *key = luaL_checkstring(L, 2);
        if (strcmp(key, "aborted") == 0) lua_pushboolean(L, is_aborted(L, context));
        else if (strcmp(key, "reason") == 0) push_reason(L, context);
        else return luaL_error(L, "context.signal has no field '%s' (it has 'aborted' and 'reason')", key);
        return 1;
    }
    // Upvalue 1 maps the names of fields to their numbers, upvalue 2 holds the methods, upvalue 3 makes the trace.
    lua_settop(L, 2);
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) == LUA_TNUMBER && lua_tointeger(L, -1) < HIDDEN) {
        enum field field = (enum field)lua_tointeger(L, -1);
        if (field != F_TRACE) {
            push_field(L, context, field);
            return 1;
        }
        lua_pushvalue(L, lua_upvalueindex(3));
        lua_pushvalue(L, 1);
        lua_call(L, 1, 1);
        return 1;
    }
    lua_settop(L, 2);
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(2)) != LUA_TNIL) return 1;
    lua_settop(L, 2);
    if (lua_type(L, 2) != LUA_TSTRING) return luaL_error(L, "context has no field of that name");
    if (strcmp(lua_tostring(L, 2), "metadata") == 0)
        return luaL_error(L, "context has no field 'metadata': write context:get_metadata()");
    const char *snake = push_snake(L, lua_tostring(L, 2));
    lua_pushvalue(L, 3);
    if (lua_rawget(L, lua_upvalueindex(1)) == LUA_TNUMBER && lua_tointeger(L, -1) < HIDDEN)
        return luaL_error(L, "context has no field '%s' (did you mean '%s'?)", lua_tostring(L, 2), snake);
    lua_settop(L, 2);
    const char *near = suggest(L, lua_tostring(L, 2), lua_upvalueindex(1));
    if (!near) near = suggest(L, lua_tostring(L, 2), lua_upvalueindex(2));
    if (near) return luaL_error(L, "context has no field '%s' (did you mean '%s'?)", lua_tostring(L, 2), near);
    return luaL_error(L, "context has no field '%s'", lua_tostring(L, 2));
}

static int context_newindex(lua_State *L) {
    lb_context *context = check(L, 1);
    handle *h = lua_touserdata(L, 1);
    const char *key = text_of(L, 2, NULL);
    if (h->view != VIEW_STORE)
        return luaL_error(L, "context%s.%s cannot be assigned", h->view == VIEW_SIGNAL ? ".signal" : "", key);
    size_t length;
    key = luaL_checklstring(L, 2, &length);
    if (!utf8_valid((const uint8_t *)key, length)) return luaL_error(L, "a key of context.store is not valid UTF-8");
    store_assign(L, context, h->thread, key, length, 3);
    return 0;
}

/// Sets the key in the table on top to what the store has.
static void push_entry(lua_State *L, const lb_context *context, lb_thread *thread, const char *key, size_t length) {
    lua_pushlstring(L, key, length);
    store_push(L, context, thread, lua_tostring(L, -1), length);
    lua_rawset(L, -3);
}

/// The keys of the store with their values as one table, for pairs.
static int store_pairs(lua_State *L) {
    lb_context *context = check(L, 1);
    handle *h = lua_touserdata(L, 1);
    if (h->view != VIEW_STORE) return luaL_error(L, "attempt to iterate over context");
    // What was written into tables comes first, so that no look below adds an effect to those that are gone through.
    store_flush(L, h->thread);
    lua_getfield(L, lua_upvalueindex(1), "next");
    lua_createtable(L, 0, (int)context->store_count);
    for (uint32_t i = 0; i < context->store_count; i++) {
        lb_slice key = context->store[i].key;
        push_entry(L, context, h->thread, (const char *)context->arena->data + key.offset, key.length);
    }
    const char *key;
    size_t length;
    for (size_t at = 0; effects_next_key(context->effects, &at, &key, &length);)
        push_entry(L, context, h->thread, key, length);
    lua_pushnil(L);
    return 3;
}

int bridge_context_get(lua_State *L) {
    lb_context *context = check(L, 1);
    const char *name = luaL_checkstring(L, 2);
    lua_settop(L, 2);
    if (strcmp(name, "ctx_read_only") == 0) {
        lua_pushboolean(L, context->ctx_read_only);
        return 1;
    }
    if (strcmp(name, "ctx") == 0) {
        // For update_ctx, which hands it to a function that changes it.
        push_current(L, context, LB_EFFECT_CTX, context->ctx);
        return 1;
    }
    if (strcmp(name, "span") == 0) {
        // The text lies in the VM: pushing it may raise, and would leak anything else.
        lb_bytes *text = &vm_of(L)->path;
        bytes_clear(text);
        if (context->write_span) context->write_span(context, text);
        lua_pushlstring(L, (const char *)text->data, text->count);
        return 1;
    }
    if (strcmp(name, "sampled") == 0) {
        lua_pushboolean(L, context->is_sampled && context->is_sampled(context));
        return 1;
    }
    if (strcmp(name, "first_span") == 0) {
        lua_pushinteger(L, context->write_span ? context->write_span(context, NULL) : 0);
        return 1;
    }
    for (size_t i = 1; i < FIELD_COUNT; i++) {
        if (strcmp(field_names[i], name) != 0) continue;
        push_field(L, context, (enum field)i);
        return 1;
    }
    return luaL_error(L, "context_get: unknown field '%s'", name);
}

int bridge_context_effect(lua_State *L) {
    static const char *const kinds[] = {"emit", "metadata", "ctx", "store", "log", "trace", "tags", NULL};
    lb_context *context = check(L, 1);
    int kind = lua_isinteger(L, 2) ? (int)lua_tointeger(L, 2) : luaL_checkoption(L, 2, NULL, kinds) + 1;
    size_t length = 0;
    const char *name = luaL_optlstring(L, 3, "", &length);
    luaL_argcheck(L, kind >= LB_EFFECT_EMIT && kind <= LB_EFFECT_TAGS, 2, "unknown effect");
    if (kind == LB_EFFECT_CTX && context->ctx_read_only)
        return raise_error(L, "ctx_read_only", "ctx cannot be changed in a body that runs beside others");
    static const char *const roots[] = {"data", "metadata", "ctx", "value", "fields", "attributes", "tags"};
    effects_add(L, context, (uint8_t)kind, name, length, lua_isnoneornil(L, 4) ? 0 : 4, roots[kind - 1]);
    return 0;
}

int bridge_set_context_methods(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 2);
    lua_rawgeti(L, LUA_REGISTRYINDEX, vm_of(L)->context_metatable);
    lua_getfield(L, -1, "__index");
    lua_pushvalue(L, 1);
    lua_setupvalue(L, -2, 2);
    lua_pushvalue(L, 2);
    lua_setupvalue(L, -2, 3);
    return 0;
}

static int context_tostring(lua_State *L) {
    static const char *const names[] = {"context", "context.store", "context.signal"};
    handle *h = to_handle(L, 1);
    lua_pushstring(L, h ? names[h->view] : "context");
    return 1;
}

void open_context(lua_State *L) {
    lua_createtable(L, 0, 6);
    lua_createtable(L, 0, FIELD_COUNT);
    for (size_t i = 1; i < FIELD_COUNT; i++) {
        lua_pushinteger(L, (lua_Integer)i);
        lua_setfield(L, -2, field_names[i]);
    }
    lua_newtable(L);
    lua_pushnil(L);
    lua_pushcclosure(L, context_index, 3);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, context_newindex);
    lua_setfield(L, -2, "__newindex");
    lua_pushcfunction(L, context_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_pushglobaltable(L);
    lua_pushcclosure(L, store_pairs, 1);
    lua_setfield(L, -2, "__pairs");
    lua_pushliteral(L, "context");
    lua_setfield(L, -2, "__metatable");
    vm_of(L)->context_metatable = luaL_ref(L, LUA_REGISTRYINDEX);
}

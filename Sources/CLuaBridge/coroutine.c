// The coroutine library of scripts. It is our own for two reasons: it knows which coroutine runs now, which the interrupt has
// to know (rule 7), and its resume hands a host request on to whoever resumed it, so that a generator may wait for the host
// (rule 9).
#include "internal.h"

#define CLOSE_DEPTH 100

/// Scripts' coroutines start here: errors and to-be-closed variables of the body are dealt with before the coroutine ends.
static int finish_body(lua_State *L, int status, lua_KContext context) {
    (void)context;
    if (status != LUA_OK && status != LUA_YIELD) return lua_error(L);
    return lua_gettop(L) - 1;
}

static int body(lua_State *L) {
    lua_pushcfunction(L, note_traceback);
    lua_insert(L, 1);
    int status = lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 1, 0, finish_body);
    return finish_body(L, status, 0);
}

static lua_State *get_coroutine(lua_State *L) {
    lua_State *co = lua_tothread(L, 1);
    luaL_argexpected(L, co, 1, "coroutine");
    return co;
}

int bridge_inherit(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    vm_of(L)->inherited = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

/// Gives the coroutine on top what its maker has in the table of bridge.inherit. RAISES.
static void inherit(lua_State *L) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, vm_of(L)->inherited);
    lua_pushvalue(L, -2);
    lua_pushthread(L);
    if (lua_rawget(L, -3) == LUA_TNIL) {
        lua_pop(L, 3);
        return;
    }
    lua_rawset(L, -3);
    lua_pop(L, 1);
}

int64_t open_span(lua_State *L) {
    if (likely(!vm_of(L)->inherited)) return -1;
    int top = lua_gettop(L);
    int64_t number = 0;
    luaL_checkstack(L, 4, NULL);
    lua_rawgeti(L, LUA_REGISTRYINDEX, vm_of(L)->inherited);
    lua_pushthread(L);
    lua_rawget(L, -2);
    while (lua_istable(L, -1)) {
        lua_getfield(L, -1, "ended");
        if (!lua_toboolean(L, -1)) {
            lua_getfield(L, -2, "index");
            number = lua_tointeger(L, -1);
            break;
        }
        lua_pop(L, 1);
        lua_getfield(L, -1, "outer");
        lua_replace(L, -2);
    }
    lua_settop(L, top);
    return number;
}

lua_State *new_coroutine(lua_State *L, int function) {
    function = lua_absindex(L, function);
    luaL_checkstack(L, 5, NULL);
    lua_State *co = lua_newthread(L);
    if (unlikely(vm_of(L)->inherited)) inherit(L);
    lua_pushcfunction(co, body);
    lua_pushvalue(L, function);
    lua_xmove(L, co, 1);
    return co;
}

static int co_create(lua_State *L) {
    luaL_checktype(L, 1, LUA_TFUNCTION);
    new_coroutine(L, 1);
    return 1;
}

static const char *status_of(lua_State *L, lua_State *co) {
    lua_Debug frame;
    if (L == co) return "running";
    // A stopped coroutine is dead once its to-be-closed variables have run.
    if (has_mark(co, MARK_WAITING | MARK_CLOSING)) return "normal";
    if (has_mark(co, MARK_STOPPED)) return "dead";
    switch (lua_status(co)) {
    case LUA_YIELD: return has_mark(co, MARK_HOST) ? "normal" : "suspended";
    case LUA_OK:
        if (lua_getstack(co, 0, &frame)) return "normal";
        return lua_gettop(co) == 0 ? "dead" : "suspended";
    default: return "dead";
    }
}

int resume_tracked(lua_State *L, lua_State *co, int count, int *results) {
    lb_vm *vm = vm_of(L);
    resumer here = {L, vm->resumers};
    vm->resumers = &here;
    vm->running = co;
    atomic_signal_fence(memory_order_seq_cst);
    if (unlikely(vm->interrupting)) arm_hook(co);
    int status = lua_resume(co, L, count, results);
    vm->running = L;
    vm->resumers = here.previous;
    atomic_signal_fence(memory_order_seq_cst);
    // What was armed on the inner coroutine goes on here.
    if (unlikely(vm->interrupting)) arm_hook(L);
    return status;
}

void stop_coroutine(lua_State *L, lua_State *co) {
    lb_vm *vm = vm_of(L);
    set_mark(co, MARK_STOPPED);
    write_traceback(L, &vm->traceback, vm->where, sizeof vm->where);
    close_with_grace(vm, co);
}

/// How drive goes on after a host request: whether errors are raised, and whether the coroutine is closed with its caller.
enum { WRAPPED = 1, GUARDED = 2 };

static int finish_resume(lua_State *L, int status, lua_KContext flags);

/// Resumes `co`, whose arguments are on its stack, and moves what it yields or returns to L. When it is wrapped an error is
/// raised, otherwise true or false comes first.
static int drive(lua_State *L, lua_State *co, int count, lua_KContext flags) {
    lb_vm *vm = vm_of(L);
    bool wrapped = flags & WRAPPED;
    int results = 0;
    // For the guard: it is put up after a request, when nothing may fail any more.
    luaL_checkstack(L, 3, NULL);
    int status = resume_tracked(L, co, count, &results);
    if (status == LUA_YIELD && unlikely(vm->yielding != YIELD_VALUES)) {
        if (vm->yielding == YIELD_REQUEST) {
            set_mark(co, MARK_WAITING);
            if (!(flags & GUARDED)) {
                // If the caller is cancelled while it waits, the to-be-closed variables in here run too. The guard is an
                // address, which takes no memory, and which no script can get hold of.
                lua_pushthread(co);
                lua_xmove(co, L, 1);
                lua_pushlightuserdata(L, co);
                lua_toclose(L, -1);
            }
            return lua_yieldk(L, 0, flags | GUARDED, finish_resume);
        }
        stop_coroutine(L, co);
        if (lua_isyieldable(L) && !has_mark(L, MARK_CLOSING)) {
            vm->yielding = YIELD_INTERRUPT;
            return lua_yield(L, 0);
        }
        return raise_interrupt(L);
    }
    if (likely(status == LUA_OK || status == LUA_YIELD)) {
        if (unlikely(!lua_checkstack(L, results + 1))) {
            lua_pop(co, results);
            return luaL_error(L, "too many results to resume");
        }
        if (!wrapped) lua_pushboolean(L, 1);
        lua_xmove(co, L, results);
        return results + !wrapped;
    }
    if (!wrapped) lua_pushboolean(L, 0);
    lua_xmove(co, L, 1);
    if (wrapped) return lua_error(L);
    return 2;
}

/// The host has answered a request made inside the coroutine, which takes the answer itself.
static int finish_resume(lua_State *L, int status, lua_KContext flags) {
    (void)status;
    lua_State *co = flags & WRAPPED ? lua_tothread(L, lua_upvalueindex(1)) : lua_tothread(L, 1);
    clear_mark(co, MARK_WAITING);
    return drive(L, co, 0, flags);
}

static int refuse_resume(lua_State *L, const char *why, bool wrapped) {
    if (wrapped) return luaL_error(L, "%s", why);
    lua_pushboolean(L, 0);
    lua_pushstring(L, why);
    return 2;
}

static int resume(lua_State *L, lua_State *co, int first, bool wrapped) {
    if (unlikely(has_mark(co, MARK_ALL))) {
        if (has_mark(co, MARK_STOPPED)) return refuse_resume(L, "cannot resume dead coroutine", wrapped);
        if (has_mark(co, MARK_WAITING)) return refuse_resume(L, "cannot resume a coroutine that waits for the host", wrapped);
        return refuse_resume(L, "cannot resume a coroutine of the host", wrapped);
    }
    int count = lua_gettop(L) - first + 1;
    bool fresh = lua_status(co) == LUA_OK;
    if (fresh) {
        lua_Debug frame;
        if (lua_getstack(co, 0, &frame)) return refuse_resume(L, "cannot resume non-suspended coroutine", wrapped);
        if (lua_gettop(co) == 0) return refuse_resume(L, "cannot resume dead coroutine", wrapped);
    } else if (lua_status(co) != LUA_YIELD) {
        return refuse_resume(L, "cannot resume dead coroutine", wrapped);
    }
    if (unlikely(!lua_checkstack(co, count + 2))) return refuse_resume(L, "too many arguments to resume", wrapped);
    lua_xmove(L, co, count);
    return drive(L, co, fresh ? lua_gettop(co) - 1 : count, wrapped ? WRAPPED : 0);
}

static int co_resume(lua_State *L) { return resume(L, get_coroutine(L), 2, false); }

static int co_wrapped(lua_State *L) { return resume(L, lua_tothread(L, lua_upvalueindex(1)), 1, true); }

static int co_wrap(lua_State *L) {
    co_create(L);
    lua_pushcclosure(L, co_wrapped, 1);
    return 1;
}

static int co_yield(lua_State *L) {
    lb_vm *vm = vm_of(L);
    if (unlikely(!vm->resumers || has_mark(L, MARK_HOST))) return luaL_error(L, "attempt to yield from outside a coroutine");
    if (unlikely(has_mark(L, MARK_CLOSING))) return luaL_error(L, "attempt to yield from a coroutine that is being closed");
    vm->yielding = YIELD_VALUES;
    return lua_yield(L, lua_gettop(L));
}

static int co_status(lua_State *L) {
    lua_pushstring(L, status_of(L, get_coroutine(L)));
    return 1;
}

static int co_running(lua_State *L) {
    lua_pushthread(L);
    lua_pushboolean(L, has_mark(L, MARK_HOST));
    return 2;
}

static int co_isyieldable(lua_State *L) {
    lua_State *co = lua_isthread(L, 1) ? lua_tothread(L, 1) : L;
    lua_pushboolean(L, lua_isyieldable(co) && !has_mark(co, MARK_HOST | MARK_CLOSING));
    return 1;
}

int close_coroutine(lua_State *L, lua_State *co) {
    lb_vm *vm = vm_of(L);
    // Lua 5.4.4 does not count the C stack of chained closes, and 20,000 of them crash it.
    if (vm->close_depth >= CLOSE_DEPTH) return luaL_error(L, "too many coroutines close each other");
    vm->close_depth++;
    set_mark(co, MARK_CLOSING);
    clear_mark(co, MARK_WAITING);
    pending_abandon(vm, co);
    vm->running = co;
    atomic_signal_fence(memory_order_seq_cst);
    if (unlikely(vm->interrupting)) arm_hook(co);
    int result = lua_resetthread(co);
    vm->running = L;
    atomic_signal_fence(memory_order_seq_cst);
    clear_mark(co, MARK_CLOSING);
    vm->close_depth--;
    if (unlikely(vm->interrupting)) arm_hook(L);
    return result;
}

static int co_close(lua_State *L) {
    lua_State *co = get_coroutine(L);
    const char *status = status_of(L, co);
    if (has_mark(co, MARK_HOST) || (strcmp(status, "suspended") != 0 && strcmp(status, "dead") != 0))
        return luaL_error(L, "cannot close a %s coroutine", has_mark(co, MARK_HOST) ? "running" : status);
    if (close_coroutine(L, co) == LUA_OK) {
        lua_pushboolean(L, 1);
        return 1;
    }
    lua_pushboolean(L, 0);
    lua_xmove(co, L, 1);
    return 2;
}

/// The __close of addresses: closes a coroutine whose resumer is left while it waits for the host. Of light userdata scripts
/// have bridge.null only.
static int close_guarded(lua_State *L) {
    if (!lua_islightuserdata(L, 1) || lua_touserdata(L, 1) == &null_address) return 0;
    lua_State *co = lua_touserdata(L, 1);
    if (has_mark(co, MARK_WAITING)) close_coroutine(L, co);
    return 0;
}

static int null_tostring(lua_State *L) {
    lua_pushliteral(L, "null");
    return 1;
}

void open_coroutine(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"create", co_create}, {"resume", co_resume}, {"wrap", co_wrap},     {"yield", co_yield},
        {"status", co_status}, {"close", co_close},   {"running", co_running}, {"isyieldable", co_isyieldable},
        {NULL, NULL},
    };
    lua_pushthread(L);
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "coroutine");
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2);
    lua_pop(L, 1);
    lua_pushlightuserdata(L, (void *)&null_address);
    lua_createtable(L, 0, 3);
    lua_pushcfunction(L, close_guarded);
    lua_setfield(L, -2, "__close");
    lua_pushcfunction(L, null_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_pushliteral(L, "null");
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2);
    lua_pop(L, 1);
    luaL_newlib(L, functions);
}

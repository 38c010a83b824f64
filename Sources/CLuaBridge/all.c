// bridge.all: runs functions beside each other inside one handler. Each is a coroutine of its own; what they ask of the host is
// outstanding at the same time, and an answer goes to the one that asked. The first error ends all of them.
#include "internal.h"

/// One call of bridge.all that waits: a userdata on the stack of the coroutine that called.
struct scope {
    lb_thread *thread;
    /// The bridge.all around this one, and the child of it that made this call.
    scope *parent;
    uint32_t parent_child;
    uint32_t count, live;
    /// The child that the next answer is for.
    uint32_t answered;
};

#define MOST_FUNCTIONS 1000000

enum { FUNCTIONS = 1, CHILDREN = 2, RESULTS = 3, SCOPE = 4 };

void route_answer(const pending *found) {
    uint32_t child = found->child;
    for (scope *at = found->scope; at; at = at->parent) {
        at->answered = child;
        child = at->parent_child;
    }
}

static bool is_inside(const scope *at, const scope *outer) {
    for (; at; at = at->parent)
        if (at == outer) return true;
    return false;
}

/// Takes back the requests that were made inside the scope: nobody waits for their answers any more.
static void abandon(lb_vm *vm, scope *scope) {
    lb_thread *thread = scope->thread;
    for (uint32_t i = 0; i < thread->pending_count; i++)
        if (thread->pending[i].asker && is_inside(thread->pending[i].scope, scope)) abandon_at(vm, thread, i);
    pending_compact(thread);
}

/// The __close of a scope: whichever way it is left, no child lives on.
static int close_scope(lua_State *L) {
    scope *scope = lua_touserdata(L, 1);
    if (scope->live == 0) return 0;
    lb_vm *vm = vm_of(L);
    abandon(vm, scope);
    lua_getiuservalue(L, 1, 1);
    for (uint32_t i = 1; i <= scope->count; i++) {
        if (lua_rawgeti(L, -1, i) == LUA_TTHREAD) close_coroutine(L, lua_tothread(L, -1));
        lua_pop(L, 1);
    }
    scope->live = 0;
    return 0;
}

static int child_failed(lua_State *L, lua_State *co) {
    lua_xmove(co, L, 1);
    return lua_error(L);
}

/// Runs a child until it ends, fails or waits; `count` arguments are on its stack. False when it was interrupted.
static bool run_child(lua_State *L, scope *at, uint32_t index, int count) {
    lb_vm *vm = vm_of(L);
    lua_rawgeti(L, CHILDREN, index);
    lua_State *co = lua_tothread(L, -1);
    scope *outer = vm->scope;
    uint32_t outer_child = vm->scope_child;
    vm->scope = at;
    vm->scope_child = index;
    int results;
    int status = resume_tracked(L, co, count, &results);
    vm->scope = outer;
    vm->scope_child = outer_child;
    if (status == LUA_YIELD) {
        if (vm->yielding == YIELD_REQUEST) {
            set_mark(co, MARK_WAITING);
            lua_pop(L, 1);
            return true;
        }
        stop_coroutine(L, co);
        return false;
    }
    lua_pushboolean(L, 0);
    lua_rawseti(L, CHILDREN, index);
    at->live--;
    if (status != LUA_OK) child_failed(L, co);
    if (results > 0) {
        lua_pop(co, results - 1);
        lua_xmove(co, L, 1);
        lua_rawseti(L, RESULTS, index);
    }
    lua_pop(L, 1);
    return true;
}

static int leave_interrupted(lua_State *L) {
    if (!lua_isyieldable(L) || has_mark(L, MARK_CLOSING)) return raise_interrupt(L);
    vm_of(L)->yielding = YIELD_INTERRUPT;
    return lua_yield(L, 0);
}

static int go_on(lua_State *L, int status, lua_KContext context);

static int wait_or_return(lua_State *L, scope *scope) {
    if (scope->live > 0) {
        vm_of(L)->yielding = YIELD_REQUEST;
        return lua_yieldk(L, 0, 0, go_on);
    }
    lua_pushvalue(L, RESULTS);
    return 1;
}

/// An answer has come for one of the children.
static int go_on(lua_State *L, int status, lua_KContext context) {
    (void)status;
    (void)context;
    scope *scope = lua_touserdata(L, SCOPE);
    lua_rawgeti(L, CHILDREN, scope->answered);
    clear_mark(lua_tothread(L, -1), MARK_WAITING);
    lua_pop(L, 1);
    if (!run_child(L, scope, scope->answered, 0)) return leave_interrupted(L);
    return wait_or_return(L, scope);
}

/// bridge.all(functions) -> the list of their first results
int bridge_all(lua_State *L) {
    lb_vm *vm = vm_of(L);
    luaL_checktype(L, FUNCTIONS, LUA_TTABLE);
    lua_settop(L, 1);
    luaL_argcheck(L, lua_rawlen(L, FUNCTIONS) <= MOST_FUNCTIONS, 1, "too many functions");
    uint32_t count = (uint32_t)lua_rawlen(L, FUNCTIONS);
    lua_createtable(L, (int)count, 0);
    lua_createtable(L, (int)count, 0);
    lua_rawgeti(L, LUA_REGISTRYINDEX, vm->array_metatable);
    lua_setmetatable(L, RESULTS);
    scope *scope = lua_newuserdatauv(L, sizeof *scope, 1);
    *scope = (struct scope){vm->current, vm->scope, vm->scope_child, count, 0, 0};
    lua_pushvalue(L, CHILDREN);
    lua_setiuservalue(L, SCOPE, 1);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, close_scope);
    lua_setfield(L, -2, "__close");
    lua_setmetatable(L, SCOPE);
    lua_toclose(L, SCOPE);
    for (uint32_t i = 1; i <= count; i++) {
        lua_rawgeti(L, FUNCTIONS, i);
        luaL_checktype(L, -1, LUA_TFUNCTION);
        lua_State *co = new_coroutine(L, -1);
        // A child is the host's: its coroutine.yield has nobody to yield to.
        set_mark(co, MARK_HOST);
        lua_rawseti(L, CHILDREN, i);
        lua_pop(L, 1);
        scope->live++;
    }
    for (uint32_t i = 1; i <= count; i++)
        if (!run_child(L, scope, i, 1)) return leave_interrupted(L);
    return wait_or_return(L, scope);
}

// Read-only views of tables: an empty table in front of the real one, which the codec knows to look through.
#include "internal.h"

static const char original_key = 0, protected_key = 0;

bool push_readonly_original(lua_State *L, int index) {
    int top = lua_gettop(L);
    if (!lua_getmetatable(L, index)) return false;
    if (lua_rawgetp(L, -1, &original_key) == LUA_TTABLE) {
        lua_replace(L, top + 1);
        return true;
    }
    lua_settop(L, top);
    return false;
}

bool is_protected(lua_State *L, int index) {
    int top = lua_gettop(L);
    if (!lua_getmetatable(L, index)) return false;
    bool found = lua_rawgetp(L, -1, &protected_key) != LUA_TNIL || lua_rawgetp(L, top + 1, &original_key) != LUA_TNIL;
    lua_settop(L, top);
    return found;
}

/// protect(metatable) -> metatable: tables that have it are not written to by rawset, and the codec refuses them.
int bridge_protect(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    lua_pushboolean(L, 1);
    lua_rawsetp(L, 1, &protected_key);
    return 1;
}

/// Upvalue 1 is the message, with the field's name in the place of %s.
static int refuse_write(lua_State *L) {
    const char *field = text_of(L, 2, NULL);
    return luaL_error(L, "%s", luaL_gsub(L, lua_tostring(L, lua_upvalueindex(1)), "%s", field));
}

/// Pushes the table behind the view that is the first argument, or raises.
static void check_view(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    if (!push_readonly_original(L, 1)) luaL_argerror(L, 1, "read-only table expected");
}

static int view_length(lua_State *L) {
    check_view(L);
    lua_pushinteger(L, (lua_Integer)lua_rawlen(L, -1));
    return 1;
}

/// The iterator of pairs over a view. A script may call it with anything.
static int view_next(lua_State *L) {
    lua_settop(L, 2);
    check_view(L);
    lua_insert(L, 2);
    return lua_next(L, 2) ? 2 : (lua_pushnil(L), 1);
}

static int view_pairs(lua_State *L) {
    lua_pushcfunction(L, view_next);
    lua_pushvalue(L, 1);
    lua_pushnil(L);
    return 3;
}

/// Replaces the table on top by a view of it; tables inside it first. What refuses to be written is at `refusal`.
static void make_view(lua_State *L, int refusal, int depth) {
    if (depth > MAX_DEPTH) luaL_error(L, "the table is nested more than %d levels deep", MAX_DEPTH);
    luaL_checkstack(L, 6, NULL);
    if (push_readonly_original(L, -1)) {
        lua_pop(L, 1);
        return;
    }
    int table = lua_gettop(L);
    for (lua_pushnil(L); lua_next(L, table);) {
        if (!lua_istable(L, -1)) {
            lua_pop(L, 1);
            continue;
        }
        make_view(L, refusal, depth + 1);
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, table);
    }
    lua_newtable(L);
    push_view_metatable(L, table);
    lua_pushvalue(L, refusal);
    lua_setfield(L, -2, "__newindex");
    lua_setmetatable(L, -2);
    lua_replace(L, table);
}

void push_view_metatable(lua_State *L, int original) {
    lua_createtable(L, 0, 6);
    lua_pushvalue(L, original);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, view_length);
    lua_setfield(L, -2, "__len");
    lua_pushcfunction(L, view_pairs);
    lua_setfield(L, -2, "__pairs");
    lua_pushliteral(L, "read-only");
    lua_setfield(L, -2, "__metatable");
    lua_pushvalue(L, original);
    lua_rawsetp(L, -2, &original_key);
}

void push_view(lua_State *L, const char *message) {
    lua_pushcfunction(L, bridge_readonly);
    lua_insert(L, -2);
    lua_pushstring(L, message);
    lua_call(L, 2, 1);
}

/// Puts the table behind the view that is the first argument in its place.
static void look_through(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    if (push_readonly_original(L, 1)) lua_replace(L, 1);
}

/// next, which sees the fields of views too.
int safe_next(lua_State *L) {
    look_through(L);
    lua_settop(L, 2);
    return lua_next(L, 1) ? 2 : (lua_pushnil(L), 1);
}

int safe_rawget(lua_State *L) {
    look_through(L);
    luaL_checkany(L, 2);
    lua_settop(L, 2);
    lua_rawget(L, 1);
    return 1;
}

int safe_rawlen(lua_State *L) {
    if (lua_type(L, 1) == LUA_TTABLE) look_through(L);
    else luaL_argexpected(L, lua_type(L, 1) == LUA_TSTRING, 1, "table or string");
    lua_pushinteger(L, (lua_Integer)lua_rawlen(L, 1));
    return 1;
}

/// readonly(table, message?): a view of the table; the message may name the field with %s.
int bridge_readonly(lua_State *L) {
    lua_settop(L, 2);
    if (lua_isnil(L, 2)) {
        lua_pushliteral(L, "attempt to change field '%s' of a read-only table");
        lua_replace(L, 2);
    }
    lua_pushcclosure(L, refuse_write, 1);
    lua_insert(L, 1);
    if (lua_istable(L, 2)) make_view(L, 1, 0);
    return 1;
}

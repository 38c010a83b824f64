// load for scripts: text only, in the environment of the calling script unless another is given.
#include "internal.h"

static const char *read_piece(lua_State *L, void *unused, size_t *size) {
    (void)unused;
    luaL_checkstack(L, 2, "too many nested functions");
    lua_pushvalue(L, 1);
    lua_call(L, 0, 1);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        *size = 0;
        return NULL;
    }
    if (lua_type(L, -1) != LUA_TSTRING) luaL_error(L, "reader function must return a string");
    lua_replace(L, 5);  // keeps the piece alive while it is read
    return lua_tolstring(L, 5, size);
}

int load_text(lua_State *L) {
    bool own_environment = lua_isnone(L, 4);
    lua_settop(L, 5);
    const char *mode = luaL_optstring(L, 3, "t");
    if (!strchr(mode, 't')) return luaL_error(L, "load reads text only");
    int status;
    size_t length;
    if (lua_type(L, 1) == LUA_TSTRING) {
        const char *text = lua_tolstring(L, 1, &length);
        status = luaL_loadbufferx(L, text, length, luaL_optstring(L, 2, text), "t");
    } else {
        luaL_checktype(L, 1, LUA_TFUNCTION);
        status = lua_load(L, read_piece, NULL, luaL_optstring(L, 2, "=(load)"), "t");
    }
    if (status != LUA_OK) {
        lua_pushnil(L);
        lua_insert(L, -2);
        return 2;
    }
    if (own_environment) lua_pushvalue(L, lua_upvalueindex(1));
    else lua_pushvalue(L, 4);
    if (!lua_setupvalue(L, -2, 1)) lua_pop(L, 1);
    return 1;
}

// load for scripts: text only, in the environment of the calling script unless another is given.
//
// Lua's compiler takes quadratic time for a long chain of `and` or `elseif`, and no hook fires in it: it is given its text in
// pieces, and an interrupt ends it between two of them.
#include "internal.h"

#define PIECE 256

typedef struct source {
    const char *at;
    size_t left;
} source;

static const char *next_piece(lua_State *L, source *text, size_t *size) {
    check_interrupt(L);
    const char *piece = text->at;
    *size = text->left < PIECE ? text->left : PIECE;
    text->at += *size;
    text->left -= *size;
    return piece;
}

static const char *read_text(lua_State *L, void *user, size_t *size) {
    source *text = user;
    return text->left > 0 ? next_piece(L, text, size) : NULL;
}

int compile_text(lua_State *L, const char *text, size_t length, const char *chunk_name) {
    source all = {text, length};
    int status = lua_load(L, read_text, &all, chunk_name, "t");
    // lua_load catches what its reader raises.
    if (status != LUA_OK) check_interrupt(L);
    if (status == LUA_ERRSYNTAX && *chunk_name == '@') lengthen_place(L, chunk_name + 1, strlen(chunk_name + 1));
    return status;
}

/// Reads what the function at index 1 returns; index 5 keeps a text alive while it is read.
static const char *read_function(lua_State *L, void *user, size_t *size) {
    source *text = user;
    if (text->left > 0) return next_piece(L, text, size);
    check_interrupt(L);
    luaL_checkstack(L, 2, "too many nested functions");
    lua_pushvalue(L, 1);
    lua_call(L, 0, 1);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        return NULL;
    }
    if (lua_type(L, -1) != LUA_TSTRING) luaL_error(L, "reader function must return a string");
    lua_replace(L, 5);
    text->at = lua_tolstring(L, 5, &text->left);
    return text->left > 0 ? next_piece(L, text, size) : NULL;
}

int load_text(lua_State *L) {
    bool own_environment = lua_isnone(L, 4);
    lua_settop(L, 5);
    const char *mode = luaL_optstring(L, 3, "t");
    if (!strchr(mode, 't')) return luaL_error(L, "load reads text only");
    int status;
    if (lua_type(L, 1) == LUA_TSTRING) {
        size_t length;
        const char *text = lua_tolstring(L, 1, &length);
        status = compile_text(L, text, length, luaL_optstring(L, 2, text));
    } else {
        luaL_checktype(L, 1, LUA_TFUNCTION);
        source text = {NULL, 0};
        status = lua_load(L, read_function, &text, luaL_optstring(L, 2, "=(load)"), "t");
        if (status != LUA_OK) check_interrupt(L);
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

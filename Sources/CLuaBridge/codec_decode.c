// Flat value to Lua (rule 2): raw access only, tables presized, depth capped, the stack checked at each level.
#include "internal.h"

const char null_address = 0;

typedef struct decoder {
    lua_State *L;
    const uint8_t *end;
    int array_metatable;
} decoder;

static int malformed(lua_State *L) { return luaL_error(L, "the host sent a malformed value"); }

#define NEED(n) \
    if (unlikely((size_t)(d->end - at) < (size_t)(n))) malformed(d->L)

/// Pushes the value at `at` and returns where it ends. A null is pushed as bridge.null: the caller knows better.
static const uint8_t *decode(decoder *d, const uint8_t *at, int depth) {
    lua_State *L = d->L;
    NEED(1);
    switch (*at++) {
    case TAG_NULL: lua_pushlightuserdata(L, (void *)&null_address); return at;
    case TAG_FALSE: lua_pushboolean(L, 0); return at;
    case TAG_TRUE: lua_pushboolean(L, 1); return at;
    case TAG_INT: {
        NEED(8);
        int64_t integer;
        memcpy(&integer, at, 8);
        lua_pushinteger(L, integer);
        return at + 8;
    }
    case TAG_DOUBLE: {
        NEED(8);
        double number;
        memcpy(&number, at, 8);
        lua_pushnumber(L, number);
        return at + 8;
    }
    case TAG_STRING: {
        NEED(4);
        uint32_t length = get_u32(at);
        at += 4;
        NEED(length);
        lua_pushlstring(L, (const char *)at, length);
        return at + length;
    }
    case TAG_EMPTY: lua_createtable(L, 0, 0); return at;
    case TAG_ARRAY:
    case TAG_OBJECT: break;
    default: malformed(L);
    }
    bool array = at[-1] == TAG_ARRAY;
    NEED(8);
    uint32_t count = get_u32(at);
    at += 8;
    // Each item takes a byte at least, so a wrong count cannot ask for a huge table.
    NEED(count);
    if (unlikely(depth >= MAX_DEPTH)) luaL_error(L, "the value is nested more than %d levels deep", MAX_DEPTH);
    if (unlikely(!lua_checkstack(L, 4))) luaL_error(L, "stack overflow (value too deep)");
    if (array) {
        lua_createtable(L, (int)count, 0);
        for (uint32_t i = 1; i <= count; i++) {
            at = decode(d, at, depth + 1);
            lua_rawseti(L, -2, i);
        }
        lua_rawgeti(L, LUA_REGISTRYINDEX, d->array_metatable);
        lua_setmetatable(L, -2);
        return at;
    }
    lua_createtable(L, 0, (int)count);
    for (uint32_t i = 0; i < count; i++) {
        NEED(4);
        uint32_t length = get_u32(at);
        at += 4;
        NEED((size_t)length + 1);
        // A null field is an absent key.
        if (at[length] == TAG_NULL) {
            at += length + 1;
            continue;
        }
        lua_pushlstring(L, (const char *)at, length);
        at = decode(d, at + length, depth + 1);
        lua_rawset(L, -3);
    }
    return at;
}

void decode_value(lua_State *L, const uint8_t *at, size_t length) {
    if (length == 0 || *at == TAG_NULL) {
        lua_pushnil(L);
        return;
    }
    decoder d = {L, at + length, vm_of(L)->array_metatable};
    if (unlikely(!lua_checkstack(L, 4))) luaL_error(L, "stack overflow (value too deep)");
    decode(&d, at, 0);
}

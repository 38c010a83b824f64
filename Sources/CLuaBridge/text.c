// The text of any value: what has none of its own is shown by its type and a number that is stable within the VM. An address
// never appears, neither by tostring nor by %p, because it would tell a script where memory lies.
#include "internal.h"

/// Whether lua_topointer would tell this value apart from others. A string is what its bytes are.
static bool has_identity(int type) { return type == LUA_TTABLE || type == LUA_TFUNCTION || type >= LUA_TUSERDATA; }

/// The number of the object at the absolute index: 1 for the first that was asked about.
static lua_Integer number_of(lua_State *L, int index) {
    lb_vm *vm = vm_of(L);
    lua_rawgeti(L, LUA_REGISTRYINDEX, vm->numbers);
    lua_pushvalue(L, index);
    if (lua_rawget(L, -2) == LUA_TNIL) {
        lua_pop(L, 1);
        lua_pushinteger(L, ++vm->last_number);
        lua_pushvalue(L, index);
        lua_pushvalue(L, -2);
        lua_rawset(L, -4);
    }
    lua_Integer number = lua_tointeger(L, -1);
    lua_pop(L, 2);
    return number;
}

const char *text_of(lua_State *L, int index, size_t *length) {
    luaL_checkstack(L, 8, NULL);
    index = lua_absindex(L, index);
    int type = lua_type(L, index);
    if (!has_identity(type) && type != LUA_TLIGHTUSERDATA) return luaL_tolstring(L, index, length);
    if (luaL_callmeta(L, index, "__tostring")) {
        if (!lua_isstring(L, -1)) luaL_error(L, "'__tostring' must return a string");
        return lua_tolstring(L, -1, length);
    }
    int named = luaL_getmetafield(L, index, "__name");
    const char *name = named == LUA_TSTRING ? lua_tostring(L, -1) : lua_typename(L, type);
    lua_pushfstring(L, "%s: %I", name, (LUAI_UACINT)number_of(L, index));
    if (named != LUA_TNIL) lua_remove(L, -2);
    return lua_tolstring(L, -1, length);
}

int safe_tostring(lua_State *L) {
    luaL_checkany(L, 1);
    text_of(L, 1, NULL);
    return 1;
}

void push_identity(lua_State *L, int index) {
    if (has_identity(lua_type(L, index))) lua_pushfstring(L, "%I", (LUAI_UACINT)number_of(L, index));
    else lua_pushliteral(L, "(null)");
}

void lengthen_place(lua_State *L, const char *path, size_t length) {
    enum { DOTS = 3, SHORT = LUA_IDSIZE - 1, REST = SHORT - DOTS };
    size_t size;
    const char *text = lua_tolstring(L, -1, &size);
    if (!text || size <= SHORT || length <= REST || memcmp(text, "...", DOTS) != 0 || text[SHORT] != ':') return;
    if (memcmp(text + DOTS, path + length - REST, REST) != 0) return;
    lua_pushlstring(L, path, length);
    lua_pushlstring(L, text + SHORT, size - SHORT);
    lua_concat(L, 2);
    lua_replace(L, -2);
}

void open_text(lua_State *L) {
    lua_newtable(L);
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "k");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    vm_of(L)->numbers = luaL_ref(L, LUA_REGISTRYINDEX);
}

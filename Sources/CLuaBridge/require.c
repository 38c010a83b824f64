// require for modules in pure Lua. The host finds the source; a module is loaded once a VM, which is once a generation.
#include "internal.h"

/// The key of the registry at which the names of the modules that are being loaded lie, the first begun first.
static const char loading = 0;

/// Raises "module 'a' requires itself: a -> b -> a".
static int raise_cycle(lua_State *L, const char *name) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &loading);
    luaL_Buffer text;
    int chain = lua_gettop(L);
    luaL_buffinit(L, &text);
    bool inside = false;
    for (lua_Integer i = 1; i <= (lua_Integer)lua_rawlen(L, chain); i++) {
        lua_rawgeti(L, chain, i);
        inside = inside || strcmp(lua_tostring(L, -1), name) == 0;
        if (!inside) {
            lua_pop(L, 1);
            continue;
        }
        luaL_addvalue(&text);
        luaL_addstring(&text, " -> ");
    }
    luaL_addstring(&text, name);
    luaL_pushresult(&text);
    return luaL_error(L, "module '%s' requires itself: %s", name, lua_tostring(L, -1));
}

/// Forgets that the module is being loaded; runs however its loading ends, as the __close of a to-be-closed value.
static int end_loading(lua_State *L) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &loading);
    lua_pushnil(L);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2));
    return 0;
}

static void begin_loading(lua_State *L, int name) {
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &loading) != LUA_TTABLE) {
        lua_newtable(L);
        lua_pushvalue(L, -1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &loading);
        lua_replace(L, -2);
    }
    lua_pushvalue(L, name);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
    lua_pop(L, 1);
}

static bool is_loading(lua_State *L, const char *name) {
    bool found = false;
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &loading) == LUA_TTABLE) {
        for (lua_Integer i = 1; !found && i <= (lua_Integer)lua_rawlen(L, -1); i++) {
            lua_rawgeti(L, -1, i);
            found = strcmp(lua_tostring(L, -1), name) == 0;
            lua_pop(L, 1);
        }
    }
    lua_pop(L, 1);
    return found;
}

/// Compiles the module in vm->response, whose chunk name is in vm->payload, and pushes it.
static void compile(lua_State *L) {
    lb_vm *vm = vm_of(L);
    if (!bytes_append(&vm->payload, "", 1)) luaL_error(L, "not enough memory");
    const char *chunk_name = (const char *)vm->payload.data;
    if (compile_text(L, (const char *)vm->response.data, vm->response.count, chunk_name) == LUA_OK) return;
    if (lua_type(L, -1) == LUA_TSTRING) raise_error(L, "syntax", "%s", lua_tostring(L, -1));
    lua_error(L);
}

/// Pushes the library of scripts that the module's name at `name` names, nil for any other name.
static bool push_library(lua_State *L, int name) {
    lua_pushglobaltable(L);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_pushvalue(L, name);
    bool is_library = lua_rawget(L, -2) != LUA_TNIL;
    lua_settop(L, -3);
    lua_pushvalue(L, name);
    return lua_rawget(L, -2) == LUA_TTABLE && is_library;
}

int require_module(lua_State *L) {
    lb_vm *vm = vm_of(L);
    size_t length;
    const char *name = luaL_checklstring(L, 1, &length);
    lua_settop(L, 1);
    if (length > LB_MODULE_NAME_LIMIT) {
        return luaL_error(L, "the name of a module has at most %d bytes, this one has %I", LB_MODULE_NAME_LIMIT,
                          (lua_Integer)length);
    }
    if (memchr(name, 0, length)) return luaL_error(L, "the name of a module may not have a zero byte");
    lua_rawgeti(L, LUA_REGISTRYINDEX, vm->modules);
    lua_pushvalue(L, 1);
    if (lua_rawget(L, 2) != LUA_TNIL || push_library(L, 1)) return 1;
    if (is_loading(L, name)) return raise_cycle(L, name);
    if (!vm->config.load_module) return luaL_error(L, "module '%s' not found", name);
    vm->response.count = 0;
    vm->payload.count = 0;
    int found = vm->config.load_module(vm->config.user, name, length, &vm->response, &vm->payload);
    if (found <= 0) {
        lua_pushlstring(L, (const char *)vm->response.data, vm->response.count);
        if (found < 0) return luaL_error(L, "module '%s': %s", name, lua_tostring(L, -1));
        return luaL_error(L, "module '%s' not found: %s", name, lua_tostring(L, -1));
    }
    lua_settop(L, 2);
    compile(L);
    push_environment(L, 0);
    lua_setupvalue(L, -2, 1);
    // Whichever way the loading ends, the module is no longer being loaded then.
    begin_loading(L, 1);
    lua_newtable(L);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, end_loading);
    lua_setfield(L, -2, "__close");
    lua_setmetatable(L, -2);
    lua_toclose(L, -1);
    lua_pushvalue(L, 3);
    lua_pushvalue(L, 1);
    lua_call(L, 1, 1);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        lua_pushboolean(L, 1);
    }
    lua_pushvalue(L, 1);
    lua_pushvalue(L, -2);
    lua_rawset(L, 2);
    return 1;
}

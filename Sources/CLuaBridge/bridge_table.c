// The table `bridge` that the prelude gets as its one argument, and scripts never see.
#include "internal.h"

static int function_where(lua_State *L) {
    lua_Debug info;
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_settop(L, 1);
    lua_getinfo(L, ">S", &info);
    if (info.linedefined < 0) lua_pushnil(L);
    else lua_pushfstring(L, "%s:%d", info.source[0] == '@' ? info.source + 1 : info.short_src, info.linedefined);
    return 1;
}

/// bridge.function_lines(fn) -> file, first line, last line of a function of the script; nil for any other
static int function_lines(lua_State *L) {
    lua_Debug info;
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_settop(L, 1);
    lua_getinfo(L, ">S", &info);
    if (info.source[0] != '@') return 0;
    lua_pushstring(L, info.source + 1);
    lua_pushinteger(L, info.linedefined);
    lua_pushinteger(L, info.lastlinedefined);
    return 3;
}

/// bridge.upvalue(fn, index) -> name, value of what a function holds; nil behind the last
static int upvalue(lua_State *L) {
    luaL_checktype(L, 1, LUA_TFUNCTION);
    const char *name = lua_getupvalue(L, 1, (int)luaL_checkinteger(L, 2));
    if (!name) return 0;
    lua_pushstring(L, name);
    lua_insert(L, -2);
    return 2;
}

/// bridge.where([level]) -> "file:line" of the nearest script frame, or nil
static int where(lua_State *L) {
    char text[256];
    if (script_where(L, (int)luaL_optinteger(L, 1, 1), text, sizeof text)) lua_pushstring(L, text);
    else lua_pushnil(L);
    return 1;
}

static int encode_json(lua_State *L) {
    lua_settop(L, 1);
    call_sync(L, "json.encode", 1, false);
    return 1;
}

static int decode_json(lua_State *L) {
    luaL_checktype(L, 1, LUA_TSTRING);
    lua_settop(L, 1);
    call_sync(L, "json.decode", 1, false);
    return 1;
}

/// bridge.set_collect(fn): what a script returns is given to fn, whose result the host gets as the result of loading
static int set_collect(lua_State *L) {
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_settop(L, 1);
    vm_of(L)->collect = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

/// bridge.set_script_globals(t): what main chunks see as globals besides the libraries; modules do not
static int set_script_globals(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    vm_of(L)->script_globals = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

/// bridge.encode(value[, name]) -> the flat value as a string, for measuring and tests
static int encode_flat(lua_State *L) {
    lb_vm *vm = vm_of(L);
    const char *root = luaL_optstring(L, 2, "value");
    vm->payload.count = 0;
    if (!encode_value(L, 1, &vm->payload, root)) return raise_error(L, "invalid_argument", "%s", vm->message);
    lua_pushlstring(L, (const char *)vm->payload.data, vm->payload.count);
    return 1;
}

static int decode_flat(lua_State *L) {
    size_t length;
    const char *text = luaL_checklstring(L, 1, &length);
    decode_value(L, (const uint8_t *)text, length);
    return 1;
}

static int error_tostring(lua_State *L) {
    lua_pushliteral(L, "message");
    if (lua_istable(L, 1) && lua_rawget(L, 1) == LUA_TSTRING) return 1;
    lua_pushliteral(L, "error");
    return 1;
}

void open_bridge(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"function_slot", bridge_function_slot},
        {"lease", bridge_lease},
        {"released", bridge_released},
        {"function_where", function_where},
        {"function_lines", function_lines},
        {"upvalue", upvalue},
        {"where", where},
        {"set_collect", set_collect},
        {"set_script_globals", set_script_globals},
        {"request", bridge_request},
        {"sync", bridge_sync},
        {"now", bridge_now},
        {"random", math_random},
        {"uuid", bridge_uuid},
        {"all", bridge_all},
        {"inherit", bridge_inherit},
        {"context_get", bridge_context_get},
        {"context_effect", bridge_context_effect},
        {"set_context_methods", bridge_set_context_methods},
        {"encode_json", encode_json},
        {"decode_json", decode_json},
        {"encode", encode_flat},
        {"decode", decode_flat},
        {"readonly", bridge_readonly},
        {"protect", bridge_protect},
        {"suggest", bridge_suggest},
        {NULL, NULL},
    };
    lb_vm *vm = vm_of(L);
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "array");
    lua_setfield(L, -2, "__metatable");
    lua_pushvalue(L, -1);
    vm->array_metatable = luaL_ref(L, LUA_REGISTRYINDEX);

    lua_createtable(L, 0, 2);
    lua_pushcfunction(L, error_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_pushliteral(L, "error");
    lua_setfield(L, -2, "__metatable");
    lua_pushvalue(L, -1);
    vm->error_metatable = luaL_ref(L, LUA_REGISTRYINDEX);

    luaL_newlib(L, functions);
    lua_insert(L, -3);
    lua_setfield(L, -3, "error_metatable");
    lua_setfield(L, -2, "array_metatable");
    lua_pushlightuserdata(L, (void *)&null_address);
    lua_setfield(L, -2, "null");
    lua_pushcfunction(L, require_module);
    lua_setfield(L, -2, "require");
    vm->bridge_table = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_pushcfunction(L, bridge_function_slot);
    vm->function_slot = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_createtable(L, KEY_COUNT, 0);
    vm->keys_table = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_newtable(L);
    vm->modules = luaL_ref(L, LUA_REGISTRYINDEX);
    open_text(L);
    open_slots(L);
}

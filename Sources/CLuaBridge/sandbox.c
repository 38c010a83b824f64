// The libraries that a script sees: an allow-list, so that what a newer Lua adds stays outside until somebody decides.
#include <stdio.h>

#include "internal.h"

static const char *const base_names[] = {
    "assert", "error", "getmetatable", "ipairs", "pairs", "pcall", "rawequal", "select", "tonumber", "type", "xpcall",
    "_VERSION", NULL,
};
static const char *const string_names[] = {
    "byte", "char", "find", "format", "gmatch", "gsub", "len", "lower", "match", "pack",
    "packsize", "rep", "reverse", "sub", "unpack", "upper", NULL,
};
static const char *const table_names[] = {"concat", "insert", "move", "pack", "remove", "sort", "unpack", NULL};
static const char *const math_names[] = {
    "abs", "ceil", "floor", "max", "min", "fmod", "modf", "sqrt", "sin", "cos", "tan", "asin", "acos", "atan", "exp",
    "log", "tointeger", "type", "ult", "pi", "huge", "maxinteger", "mininteger", NULL,
};
static const char *const utf8_names[] = {"char", "charpattern", "codepoint", "codes", "len", "offset", NULL};

static int safe_setmetatable(lua_State *L);
static int safe_collectgarbage(lua_State *L);
static int safe_print(lua_State *L);
static int safe_rawset(lua_State *L);

static const luaL_Reg own[] = {
    {"setmetatable", safe_setmetatable}, {"collectgarbage", safe_collectgarbage},
    {"print", safe_print},               {"require", require_module},
    {"rawset", safe_rawset},             {"tostring", safe_tostring},
    {"next", safe_next},                 {"rawget", safe_rawget},
    {"rawlen", safe_rawlen},
    {NULL, NULL},
};
static const char *const libraries[] = {"string", "table", "math", "utf8", "os", "coroutine", NULL};
/// What each script and module has of its own.
static const char *const environment_names[] = {"load", "_G", NULL};

/// Copies the named fields of the table on top to `target`.
static void copy_fields(lua_State *L, const char *const *names, int target) {
    for (; *names; names++) {
        lua_getfield(L, -1, *names);
        lua_setfield(L, target, *names);
    }
}

/// Opens a library in a throw-away table and keeps the allowed half of it in the table at `target`.
static void keep(lua_State *L, lua_CFunction open, const char *name, const char *const *names, int target) {
    lua_pushcfunction(L, open);
    lua_pushstring(L, name);
    lua_call(L, 1, 1);
    lua_newtable(L);
    lua_insert(L, -2);
    copy_fields(L, names, lua_gettop(L) - 1);
    lua_pop(L, 1);
    lua_setfield(L, target, name);
}

static int safe_setmetatable(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    int kind = lua_type(L, 2);
    luaL_argexpected(L, kind == LUA_TNIL || kind == LUA_TTABLE, 2, "nil or table");
    if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL) return luaL_error(L, "cannot change a protected metatable");
    if (kind == LUA_TTABLE) {
        // Finalizers run at any time, inside the host's own calls and after the script's budget is gone.
        lua_pushliteral(L, "__gc");
        if (lua_rawget(L, 2) != LUA_TNIL) return luaL_error(L, "__gc is not available: use a <close> variable instead");
        lua_pop(L, 1);
    }
    lua_settop(L, 2);
    lua_setmetatable(L, 1);
    return 1;
}

static int safe_rawset(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_checkany(L, 2);
    luaL_checkany(L, 3);
    if (is_protected(L, 1)) return luaL_error(L, "rawset cannot change what is read-only");
    lua_settop(L, 3);
    lua_rawset(L, 1);
    return 1;
}

static int safe_collectgarbage(lua_State *L) {
    if (strcmp(luaL_optstring(L, 1, "collect"), "count") != 0)
        return luaL_error(L, "collectgarbage knows 'count' only: the host decides when to collect");
    lua_pushnumber(L, (double)vm_of(L)->used / 1024);
    return 1;
}

/// Replaces the text on top by one in which every byte that is not UTF-8 is a replacement character.
static void make_valid(lua_State *L) {
    size_t length;
    const char *text = lua_tolstring(L, -1, &length);
    if (utf8_valid((const uint8_t *)text, length)) return;
    luaL_Buffer out;
    luaL_buffinit(L, &out);
    for (const char *end = text + length; text < end;) {
        size_t valid = utf8_prefix((const uint8_t *)text, (size_t)(end - text));
        luaL_addlstring(&out, text, valid);
        text += valid;
        if (text == end) break;
        luaL_addlstring(&out, "\xEF\xBF\xBD", 3);
        text++;
    }
    luaL_pushresult(&out);
}

/// print goes to the host, because standard output belongs to the result.
static int safe_print(lua_State *L) {
    int count = lua_gettop(L);
    luaL_Buffer text;
    luaL_buffinit(L, &text);
    for (int i = 1; i <= count; i++) {
        if (i > 1) luaL_addchar(&text, '\t');
        push_shown(L, i);
        luaL_addvalue(&text);
    }
    luaL_pushresult(&text);
    make_valid(L);
    call_sync(L, "print", lua_gettop(L), false);
    return 0;
}

/// Reading a global that does not exist; upvalue 1 is the environment.
static int undefined_global(lua_State *L) {
    if (lua_type(L, 2) != LUA_TSTRING) {
        lua_pushnil(L);
        return 1;
    }
    const char *name = lua_tostring(L, 2);
    const char *remedy = hint_for_global(name);
    if (remedy) return luaL_error(L, "undefined global '%s'; %s", name, remedy);
    const char *near = suggest(L, name, lua_upvalueindex(1));
    if (near) return luaL_error(L, "undefined global '%s' (did you mean '%s'?)", name, near);
    return luaL_error(L, "undefined global '%s'", name);
}

/// Writing a global; upvalue 1 is the environment.
static int set_global(lua_State *L) {
    lua_settop(L, 2);
    lua_pushvalue(L, 2);
    bool known = lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL;
    const char *name = text_of(L, 2, NULL);
    if (known) return luaL_error(L, "the global '%s' cannot be assigned: use \"local\" for a name of your own", name);
    return luaL_error(L, "assignment to undeclared global '%s' (use \"local\")", name);
}

static void copy_table(lua_State *L, int target) {
    for (lua_pushnil(L); lua_next(L, -2);) {
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, target);
    }
}

/// Every script and module has globals of its own: the same libraries, and errors for what is not there. What scripts get is a
/// view: runs that share a VM could else change what the others see.
void push_environment(lua_State *L, int more) {
    lua_newtable(L);
    int view = lua_gettop(L);
    lua_createtable(L, 0, 40);
    int environment = view + 1;
    lua_pushglobaltable(L);
    copy_table(L, environment);
    lua_pop(L, 1);
    if (more) {
        lua_rawgeti(L, LUA_REGISTRYINDEX, more);
        copy_table(L, environment);
        lua_pop(L, 1);
    }
    // load gives a chunk the environment of the script that calls it.
    lua_pushvalue(L, view);
    lua_pushcclosure(L, load_text, 1);
    lua_pushvalue(L, -1);
    lua_setfield(L, environment, "load");
    lua_pushliteral(L, "load");
    lua_rawgeti(L, LUA_REGISTRYINDEX, vm_of(L)->names);
    lua_insert(L, -3);
    lua_rawset(L, -3);
    lua_pop(L, 1);
    lua_pushvalue(L, view);
    lua_setfield(L, environment, "_G");
    lua_createtable(L, 0, 1);
    lua_pushvalue(L, environment);
    lua_pushcclosure(L, undefined_global, 1);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, environment);
    push_view_metatable(L, environment);
    lua_pushvalue(L, environment);
    lua_pushcclosure(L, set_global, 1);
    lua_setfield(L, -2, "__newindex");
    lua_pushliteral(L, "globals");
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, view);
    lua_settop(L, view);
}

/// Notes the name of each function of the table on top, so that errors can say where something is impossible.
static void name_functions(lua_State *L, const char *prefix, int names) {
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        if (!lua_isfunction(L, -1)) continue;
        lua_pushvalue(L, -1);
        lua_pushfstring(L, "%s%s", prefix, lua_tostring(L, -3));
        lua_rawset(L, names);
    }
}

/// Lets messages about arguments find the name of a function that was called through none.
static void name_libraries(lua_State *L, int globals) {
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_pushvalue(L, globals);
    lua_setfield(L, -2, LUA_GNAME);
    for (const char *const *name = libraries; *name; name++) {
        lua_getfield(L, globals, *name);
        lua_setfield(L, -2, *name);
    }
    lua_pop(L, 1);
}

void open_sandbox(lua_State *L) {
    lua_newtable(L);
    int globals = lua_gettop(L);
    lua_pushcfunction(L, luaopen_base);
    lua_call(L, 0, 1);
    copy_fields(L, base_names, globals);
    lua_pop(L, 1);
    lua_pushvalue(L, globals);
    lua_rawseti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
    luaL_setfuncs(L, own, 0);
    replace_protected_calls(L);
    keep(L, luaopen_string, "string", string_names, globals);
    keep(L, luaopen_table, "table", table_names, globals);
    keep(L, luaopen_math, "math", math_names, globals);
    keep(L, luaopen_utf8, "utf8", utf8_names, globals);
    open_time(L);
    lua_setfield(L, globals, "os");
    open_coroutine(L);
    lua_setfield(L, globals, "coroutine");
    name_libraries(L, globals);
    lua_getfield(L, globals, "string");
    replace_string_functions(L);
    replace_format(L);
    shorten_numerals(L, "char");
    shorten_packed_numerals(L);
    lua_pop(L, 1);
    lua_getfield(L, globals, "utf8");
    shorten_numerals(L, "char");
    lua_pop(L, 1);
    lua_getfield(L, globals, "table");
    replace_table_functions(L);
    lua_pop(L, 1);
    lua_getfield(L, globals, "math");
    lua_pushcfunction(L, math_random);
    lua_setfield(L, -2, "random");
    replace_extremes(L);
    lua_pop(L, 1);

    // The strings' own metatable, which has their arithmetic, leads to the allowed library, and nobody can get at it.
    lua_pushliteral(L, "");
    lua_getmetatable(L, -1);
    lua_getfield(L, globals, "string");
    lua_setfield(L, -2, "__index");
    lua_pushliteral(L, "string");
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 2);

    lua_newtable(L);
    int names = lua_gettop(L);
    lua_pushvalue(L, globals);
    name_functions(L, "", names);
    for (const char *const *library = libraries; *library; library++) {
        lua_getfield(L, globals, *library);
        char prefix[16];
        size_t length = strlen(*library);
        memcpy(prefix, *library, length);
        memcpy(prefix + length, ".", 2);
        name_functions(L, prefix, names);
        char message[96];
        snprintf(message, sizeof message, "%s.%%s cannot be assigned: the libraries are read-only", *library);
        push_view(L, message);
        lua_setfield(L, globals, *library);
    }
    lua_pop(L, 1);
    vm_of(L)->names = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_settop(L, globals - 1);
}

const char *lb_global_name(size_t index) {
    static const char *const *const lists[] = {base_names, libraries, environment_names};
    for (size_t list = 0; list < sizeof lists / sizeof *lists; list++) {
        for (const char *const *name = lists[list]; *name; name++) {
            if (index-- == 0) return *name;
        }
    }
    return index < sizeof own / sizeof *own ? own[index].name : NULL;
}

// Functions that take any number of numbers. Each may be a text, which is read as a numeral: many long ones would keep C busy for
// minutes, where no hook fires.
#include "internal.h"

#define LONG 256

void shorten_numeral(lua_State *L, int index) {
    if (lua_type(L, index) != LUA_TSTRING || lua_rawlen(L, index) <= LONG) return;
    check_interrupt(L);
    size_t length;
    const char *text = lua_tolstring(L, index, &length);
    size_t read = lua_stringtonumber(L, text);
    if (read == length + 1) lua_replace(L, index);
    else if (read > 0) lua_pop(L, 1);
}

static int all_numerals(lua_State *L) {
    for (int i = lua_gettop(L); i > 0; i--) shorten_numeral(L, i);
    return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

/// Of string.pack: the arguments that its format takes for numbers.
static int packed_numerals(lua_State *L) {
    int top = lua_gettop(L), argument = 1;
    const char *option = luaL_checkstring(L, 1);
    for (; *option && argument < top; option++) {
        if (strchr("szc", *option)) argument++;
        else if (strchr("bBhHiIlLjJTfdn", *option)) shorten_numeral(L, ++argument);
        // What follows an X says how to align, and takes no argument.
        else if (*option == 'X' && option[1]) option++;
    }
    return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

/// Puts `wrapper` in place of a function of the table on top, which becomes its upvalue and is called in its frame.
static void wrap(lua_State *L, const char *name, lua_CFunction wrapper) {
    lua_getfield(L, -1, name);
    lua_pushcclosure(L, wrapper, 1);
    lua_setfield(L, -2, name);
}

void shorten_numerals(lua_State *L, const char *name) { wrap(L, name, all_numerals); }
void shorten_packed_numerals(lua_State *L) { wrap(L, "pack", packed_numerals); }

/// The first argument that none comes before, or after.
static int extreme(lua_State *L, bool greatest) {
    int count = lua_gettop(L), best = 1;
    luaL_argcheck(L, count >= 1, 1, "value expected");
    for (int i = 2; i <= count; i++) {
        // Long texts are compared, where there are no numbers.
        check_interrupt(L);
        if (greatest ? lua_compare(L, best, i, LUA_OPLT) : lua_compare(L, i, best, LUA_OPLT)) best = i;
    }
    lua_pushvalue(L, best);
    return 1;
}

static int math_max(lua_State *L) { return extreme(L, true); }
static int math_min(lua_State *L) { return extreme(L, false); }

void replace_extremes(lua_State *L) {
    static const luaL_Reg functions[] = {{"max", math_max}, {"min", math_min}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}

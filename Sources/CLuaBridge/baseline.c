// Plain Lua without any of the bridge: what the benchmarks are measured against.
#include <stdio.h>

#if defined(__GLIBC__)
#include <malloc.h>
#elif defined(__APPLE__)
#include <malloc/malloc.h>
#endif

#include "internal.h"

double lb_plain_run(const char *source, size_t length, double argument) {
    lua_State *L = luaL_newstate();
    if (!L) return -1;
    // Not luaL_openlibs, which would link what no script may reach.
    luaL_requiref(L, LUA_GNAME, luaopen_base, 1);
    luaL_requiref(L, LUA_STRLIBNAME, luaopen_string, 1);
    luaL_requiref(L, LUA_TABLIBNAME, luaopen_table, 1);
    luaL_requiref(L, LUA_MATHLIBNAME, luaopen_math, 1);
    lua_settop(L, 0);
    double result = -1;
    if (luaL_loadbufferx(L, source, length, "=baseline", "t") == LUA_OK) {
        lua_pushnumber(L, argument);
        if (lua_pcall(L, 1, 1, 0) == LUA_OK) result = lua_tonumber(L, -1);
        else fprintf(stderr, "baseline: %s\n", lua_tostring(L, -1));
    }
    lua_close(L);
    return result;
}

size_t lb_heap_bytes(void) {
#if defined(__GLIBC__)
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
#elif defined(__APPLE__)
    malloc_statistics_t statistics;
    malloc_zone_statistics(NULL, &statistics);
    return statistics.size_in_use;
#else
    return 0;
#endif
}

// Did you mean …? The nearest word by the number of single-letter changes.
#include "internal.h"

#define LONGEST 48

static int smallest(int a, int b, int c) { return a < b ? (a < c ? a : c) : (b < c ? b : c); }

/// Edit distance with transpositions; large when a word is too long to bother.
static int distance(const char *a, const char *b) {
    size_t la = strlen(a), lb = strlen(b);
    if (la > LONGEST || lb > LONGEST) return LONGEST;
    int rows[3][LONGEST + 2];
    int *before = rows[0], *last = rows[1], *current = rows[2];
    for (size_t j = 0; j <= lb; j++) last[j] = (int)j;
    for (size_t i = 1; i <= la; i++) {
        current[0] = (int)i;
        for (size_t j = 1; j <= lb; j++) {
            int change = a[i - 1] != b[j - 1];
            current[j] = smallest(last[j] + 1, current[j - 1] + 1, last[j - 1] + change);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < current[j])
                current[j] = before[j - 2] + 1;
        }
        int *spare = before;
        before = last;
        last = current;
        current = spare;
    }
    return last[lb];
}

/// How far a suggestion may be: a third of the word, at least one change.
static int tolerance(const char *word) {
    int length = (int)strlen(word);
    // Every name of one letter is near to every other.
    if (length < 2) return 0;
    return length < 6 ? 1 : length / 3;
}

/// The nearest string key of the table at `table`, or NULL; ties go to the first in alphabetical order.
const char *suggest(lua_State *L, const char *word, int table) {
    const char *best = NULL;
    int nearest = tolerance(word) + 1;
    table = lua_absindex(L, table);
    luaL_checkstack(L, 4, NULL);
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING) continue;
        const char *key = lua_tostring(L, -2);
        int d = distance(word, key);
        if (d < nearest || (d == nearest && best && strcmp(key, best) < 0)) {
            nearest = d;
            best = key;
        }
    }
    return best;
}

/// bridge.suggest(word, list or table of names) -> nearest name or nil
int bridge_suggest(lua_State *L) {
    const char *word = luaL_checkstring(L, 1);
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    // Names may be the items of a list or the keys of a table.
    lua_newtable(L);
    for (lua_pushnil(L); lua_next(L, 2); lua_pop(L, 1)) {
        int name = lua_type(L, -2) == LUA_TSTRING ? -2 : -1;
        if (lua_type(L, name) != LUA_TSTRING) continue;
        lua_pushvalue(L, name);
        lua_pushboolean(L, 1);
        lua_rawset(L, 3);
    }
    const char *best = suggest(L, word, 3);
    if (best) lua_pushstring(L, best);
    else lua_pushnil(L);
    return 1;
}
